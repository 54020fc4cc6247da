// SPDX-License-Identifier: (LGPL-2.1 OR BSD-2-Clause)
/* operator new, and of types that are aligned */
#include <cstdint>
#include <cstdio>
#include <new>
#include <string>
#include <vector>

template <unsigned Align> struct alignas(Align) aligned {
	char data[Align];
};

static int failed;

static void check(bool good, const char *what)
{
	std::printf("%sok - C++: %s\n", good ? "" : "not ", what);
	failed |= !good;
}

template <unsigned Align> static bool is_aligned()
{
	for (int i = 0; i < 100; i++) {
		auto *one = new aligned<Align>;
		auto *two = new aligned<Align>[2];
		auto *three = new (std::nothrow) aligned<Align>;

		if (((uintptr_t)one | (uintptr_t)two | (uintptr_t)three) % Align)
			return false;
		if (i % 2)
			delete one;
		delete[] two;
		delete three;
	}
	return true;
}

static std::string before_main(1000, 'x');

int main()
{
	std::vector<std::string> many;

	check(is_aligned<64>() && is_aligned<128>() && is_aligned<256>() && is_aligned<512>() &&
	      is_aligned<1024>() && is_aligned<4096>(), "new of aligned types is aligned");
	for (int i = 0; i < 100000; i++)
		many.push_back(before_main + std::to_string(i));
	check(many[99999] == before_main + "99999", "strings");
	return failed;
}
