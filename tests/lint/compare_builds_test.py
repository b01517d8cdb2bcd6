# SPDX-License-Identifier: MIT
"""The arithmetic of tools/compare_builds.py."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
import compare_builds  # noqa: E402


def pairs_of(ratios):
    return [({"decode": 10.0}, {"decode": 10.0 * ratio}) for ratio in ratios]


class CompareBuilds(unittest.TestCase):
    def test_times_count_the_other_way_round_and_limits_not_at_all(self):
        lines = "\n".join([
            '{"name": "limit read", "value": 70.0, "unit": "GB/s"}',
            '{"name": "decode ctx 64", "value": 20.0, "unit": "tok/s"}',
            '{"name": "pass M=2", "value": 50.0, "unit": "ms"}',
            '{"name": "memory above weights", "value": 3.0, "unit": "GB"}',
        ])
        self.assertEqual(compare_builds.speeds(lines), {"decode ctx 64": 20.0, "pass M=2": 0.02})

    def test_pairs_alternate_which_build_runs_first(self):
        self.assertEqual(compare_builds.order(3), [0, 1, 1, 0, 0, 1])

    def test_a_median_below_what_is_allowed_with_all_pairs_but_one_is_slower(self):
        self.assertEqual(compare_builds.verdict([0.9, 0.91, 0.92, 0.93, 0.94, 0.95, 1.01], 0.03), "slower")

    def test_two_pairs_that_say_otherwise_are_noise(self):
        self.assertEqual(compare_builds.verdict([0.9, 0.91, 0.92, 0.93, 0.94, 1.0, 1.01], 0.03), "equal")

    def test_a_loss_within_what_is_allowed_is_no_regression(self):
        self.assertEqual(compare_builds.verdict([0.98] * 7, 0.03), "equal")

    def test_a_gain_in_all_pairs_is_faster(self):
        self.assertEqual(compare_builds.verdict([1.1] * 7, 0.03), "faster")

    def test_the_report_takes_the_median_of_the_pairwise_ratios(self):
        lines, worse = compare_builds.report(pairs_of([0.5, 0.8, 0.81, 0.82, 0.83, 0.84, 0.99]), 0.03)
        self.assertTrue(worse)
        self.assertIn("0.820", lines[0])
        self.assertIn("0.500..0.990", lines[0])

    def test_figures_that_one_side_lacks_are_left_out(self):
        self.assertEqual(compare_builds.report([({"a": 1.0}, {"b": 1.0})], 0.03), ([], False))


if __name__ == "__main__":
    unittest.main()
