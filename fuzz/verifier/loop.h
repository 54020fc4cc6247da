/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LOOP_H
#define LOOP_H

/* The map's value, for programs with loops: offsets in bytes */
#define INPUT_MASK 0
#define INPUT_NOISE 8
#define INPUT_BYTES 16
#define INPUT_BITS 24	/* one in each byte */
#define OUTPUT 32
#define ROOM (VALUE_SIZE - OUTPUT)	/* bytes that may be written, from OUTPUT on */

void draw_loop_input(uint64_t *input, struct rng *rng);

#endif
