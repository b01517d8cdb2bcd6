// SPDX-License-Identifier: MIT
// What a run leaves to read: metrics.jsonl, event files, report.html.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>

#include "tests/support/jsonl.h"
#include "train/line_chart.h"
#include "train/metrics_log.h"
#include "train/report.h"

namespace fathom {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class MetricsLogTest : public testing::Test {
 protected:
  MetricsLogTest() : root_(fs::path(testing::TempDir()) / "metrics_log") {
    fs::remove_all(root_);
    fs::create_directories(root_);
  }
  ~MetricsLogTest() override { fs::remove_all(root_); }

  MetricsLog opened(int64_t first_step, int64_t wall_seconds = 100) {
    auto log = MetricsLog::open(system_io(), root_, first_step, wall_seconds);
    if (!log.ok()) ADD_FAILURE() << log.status().message();
    return std::move(log).value();
  }
  std::string lines() const { return test::read_text_file(root_ / "metrics.jsonl"); }

  fs::path root_;
};

MetricsRow row(int64_t step, double loss) { return {step, {{"loss", loss}, {"load/3", 0.5}}}; }

TEST_F(MetricsLogTest, RowsAreLinesWithEveryDigit) {
  MetricsLog log = opened(0);
  ASSERT_TRUE(log.append(row(0, 0.1 + 0.2), 100.0).ok());
  ASSERT_TRUE(log.append(row(1, NAN), 101.0).ok());
  EXPECT_EQ(lines(),
            "{\"step\": 0, \"loss\": 0.30000000000000004, \"load/3\": 0.5}\n"
            "{\"step\": 1, \"loss\": null, \"load/3\": 0.5}\n");
}

TEST_F(MetricsLogTest, AResumedRunDropsWhatCameAfterItsCheckpointAndACutLine) {
  {
    MetricsLog log = opened(0);
    for (int step = 0; step < 5; ++step) ASSERT_TRUE(log.append(row(step, step), 100.0 + step).ok());
  }
  std::ofstream(root_ / "metrics.jsonl", std::ios::app) << "{\"step\": 5, \"lo";
  MetricsLog log = opened(3, 200);
  EXPECT_EQ(log.rows().size(), 3u);
  ASSERT_TRUE(log.append(row(3, 9.0), 201.0).ok());
  std::vector<int64_t> steps;
  for (const JsonValue& line : test::read_jsonl(root_ / "metrics.jsonl")) {
    steps.push_back(*line.find("step")->as_int64());
  }
  EXPECT_THAT(steps, ElementsAre(0, 1, 2, 3));
  EXPECT_EQ(log.rows().back().values[0].second, 9.0);
  EXPECT_TRUE(fs::exists(root_ / "events.out.tfevents.100.fathom"));
  EXPECT_TRUE(fs::exists(root_ / "events.out.tfevents.200.fathom"));
}

TEST_F(MetricsLogTest, AForeignFileIsRefusedRatherThanReplaced) {
  std::ofstream(root_ / "metrics.jsonl") << "not ours\n";
  EXPECT_EQ(MetricsLog::open(system_io(), root_, 0, 1).status().code(), StatusCode::kCorrupt);
  EXPECT_EQ(lines(), "not ours\n");
}

// RFC 3720 appendix B.4.
TEST(EventFile, ChecksumsAreCrc32c) {
  EXPECT_EQ(crc32c("123456789"), 0xE3069283u);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAu);
  EXPECT_EQ(crc32c(std::string(32, '\xFF')), 0x62A8AB43u);
}

// Taken apart by hand: length, its checksum, then step 300 (varint AC 02) and the scalar in its places.
TEST(EventFile, ARecordIsFramedAndHoldsItsScalars) {
  const std::vector<Scalar> scalars = {{"loss", 1.5}};
  const std::string record = event_record(2.0, 300, scalars);
  const std::string data = record.substr(12, record.size() - 16);
  EXPECT_EQ(static_cast<size_t>(static_cast<uint8_t>(record[0])), data.size());
  const std::string value = std::string("\x0A\x04loss\x15") + std::string("\x00\x00\xC0\x3F", 4);
  const std::string expected = std::string("\x09\x00\x00\x00\x00\x00\x00\x00\x40", 9) + "\x10\xAC\x02" +
                               "\x2A\x0D" + "\x0A\x0B" + value;
  EXPECT_EQ(data, expected);
}

TEST(LineChart, TicksAreRoundAndInside) {
  EXPECT_THAT(axis_ticks(0, 10, 5), ElementsAre(0, 2, 4, 6, 8, 10));
  EXPECT_THAT(axis_ticks(3, 7, 5), ElementsAre(3, 4, 5, 6, 7));
  EXPECT_THAT(axis_ticks(2, 2, 5), ElementsAre(2));
  EXPECT_FALSE(std::signbit(axis_ticks(-0.1, 1, 5)[0]));
  for (const double high : {1e-9, 0.37, 12.0, 4e7}) {
    const auto ticks = axis_ticks(high / 3, high, 5);
    EXPECT_GE(ticks.size(), 2u);
    EXPECT_LE(ticks.size(), 6u);
  }
}

TEST(LineChart, GapsAreNotBridged) {
  const std::string svg = line_chart_html({"t", {{"a", {{0, 1}, {1, NAN}, {2, 3}, {3, 4}}}}});
  const size_t path = svg.find("<path");
  EXPECT_EQ(std::count(svg.begin() + static_cast<int64_t>(path), svg.end(), 'M'), 2);
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
  EXPECT_THAT(line_chart_html({"t", {{"a", {{0, NAN}}}}}), HasSubstr("no values yet"));
}

TEST(RunReport, GroupsOfFiguresAreChartsAndTextIsText) {
  std::vector<MetricsRow> rows;
  for (int step = 0; step < 1000; ++step) {
    rows.push_back({step, {{"loss/train", 1.0 / (step + 1)}, {"loss/<b>", 1.0}, {"grad_norm", 2.0}}});
  }
  const std::string page = report_html({"a & b", {{"tokens", "5"}}, {{"Hi <there>", "x < y"}}}, rows);
  EXPECT_THAT(page, HasSubstr("<title>a &amp; b</title>"));
  EXPECT_THAT(page, HasSubstr("<figcaption>Loss</figcaption>"));
  EXPECT_THAT(page, HasSubstr("<figcaption>Grad norm</figcaption>"));
  EXPECT_THAT(page, HasSubstr("&lt;b&gt;"));
  EXPECT_THAT(page, HasSubstr("<pre>x &lt; y</pre>"));
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_LT(page.size(), 100'000u);
}

}  // namespace
}  // namespace fathom
