#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
#
# usage: tests/harness.pl JOBS SECONDS TESTED "PHASE LABEL ARCH NAME WHAT"...
#
# Runs what tests/run has listed. TAP::Harness, which prove(1) is made of, runs suites
# and judges their TAP. Its own formatters tell of a failure when its suite ends, and
# nothing of skips; this one tells of each at once.
use strict;
use warnings;
use TAP::Harness;
use TAP::Parser::Aggregator;

my ($jobs, $limit, $tested, @runs) = @ARGV;
my ($passed, $failed, $skipped) = (0, 0, 0);
my (@phases, %suites, %running, @failures);

sub show {
	printf "[%4ds] %s\n", time - $^T, "@_";
}

sub fails {
	my ($suite, $line) = @_;
	$failed++;
	$suite->{failed}++;
	push @failures, "$suite->{label}: $line";
	show($failures[-1]);
}

# With what the suite said last, besides results.
sub ends_badly {
	my ($suite, $wrong) = @_;
	fails($suite, "not ok - $wrong ($suite->{files}.log)");
	open my $log, '<', "$suite->{files}.log" or die "$suite->{files}.log: $!\n";
	my @words = grep { !/^((not )?ok |list |1\.\.|$)/ } <$log>;
	splice @words, 0, -3 if @words > 3;
	my ($free) = `df -m --output=avail out` =~ /(\d+)/;
	push @words, "the disk is full: $free MiB are left in $ENV{PWD}/out" if $free < 100;
	push @failures, map { chomp; '    | ' . substr $_, 0, 160 } @words;
}

# The suite and its log are children of timeout, which ends all of them together: when
# its time is over, or this process ends.
sub command {
	my ($suite) = @_;
	return [qw(setpriv --pdeathsig TERM timeout -k 10), $limit, 'env', "ARCH=$suite->{arch}",
		'bash', '-c', 'set -o pipefail; : >"$2.log"
		"$1" </dev/null 2>>"$2.log" | tee -a "$2.log" "$2.results"',
		'-', "tests/$suite->{name}.t", $suite->{files}];
}

# What TAP::Harness calls of a formatter:
sub verbosity { 0 }
sub prepare { }

sub open_test {
	my ($formatter, $label, $parser) = @_;
	my $suite = $running{$label} = $suites{$label};
	# select() does not see what perl has read ahead
	binmode $_, ':pop' for $parser->get_select_handles;
	@$suite{qw(parser began)} = ($parser, time);
	show("$label: $suite->{what}");
	return $suite;
}

# ... and of a suite:
sub result {
	my ($suite, $line) = @_;
	if ($line->raw =~ /^list (.+)/) {
		push @{$suite->{list}}, "       $1\n";
	} elsif (!$line->is_test) {
		return;
	} elsif (!$line->is_actual_ok) {
		fails($suite, $line->raw);
	} elsif (!$line->has_skip) {
		$passed++;
		$suite->{passed}++;
	} elsif ($line->explanation eq '') {
		fails($suite, 'not ok ' . $line->description . ' - skipped without saying why');
	} else {
		$skipped++;
		show("$suite->{label}: " . $line->raw);
	}
}

sub close_test {
	my ($suite) = @_;
	my ($label, $parser) = @$suite{qw(label parser)};
	my $seconds = time - $suite->{began};
	my $status = $parser->exit || $parser->wait;
	# one that failed may have left out what was to follow
	my ($off_plan) = $suite->{failed} ? () : $parser->parse_errors;
	my $wrong = $status == 124 ? 'still running after ' . int($limit / 60) . ' minutes'
		: $status ? "the suite ended with status $status"
		: !$parser->tests_run ? 'the suite reported nothing'
		: $off_plan;
	print @{$suite->{list}};
	ends_badly($suite, $wrong) if $wrong;
	show("$label: $suite->{passed} passed in $seconds s");
	delete $running{$label};
	return if $suite->{failed};
	# for the order in which suites start, the next time
	system 'sed', '-i', "/^$label /d", 'out/test/times';
	open my $times, '>>', 'out/test/times' or die "out/test/times: $!\n";
	print $times "$label $seconds\n";
}

# Something is to be seen every half minute, however long the suites are silent.
sub still_there {
	show("$_->{label}: " . $_->{parser}->tests_run . ' results so far') for values %running;
	alarm 30;
}

for (@runs) {
	my %suite = (passed => 0, failed => 0, list => []);
	@suite{qw(phase label arch name what)} = split ' ', $_, 5;
	$suite{files} = "out/test/$suite{label}";
	$suites{$suite{label}} = bless \%suite;
	push @{$phases[$suite{phase}]}, $suite{label};
}
$| = 1;
$SIG{ALRM} = \&still_there;
alarm 30;
my $harness = TAP::Harness->new({formatter => bless({}), jobs => $jobs, merge => 1,
	exec => sub { command($suites{$_[1]}) }});
my $results = TAP::Parser::Aggregator->new;
$harness->aggregate_tests($results, @$_) for grep { defined } @phases;
print map { "$_\n" } '', @failures if @failures;
print "\n$tested:\n$passed passed, $failed failed, $skipped skipped\n";
exit($failed != 0);
