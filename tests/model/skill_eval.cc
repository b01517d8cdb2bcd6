// SPDX-License-Identifier: MIT
// Prints the skill table of models/tiny-chat/README.md from models/tiny-chat/eval, following the reference
// replies: exact = every reply token is the greedy choice; answer = the same after the thinking; MTP = the
// draft layer's greedy guess of the token after next is the reference's; loss and MTP are means over items.
// With --check, fails unless the README's table is reproduced: each share within one item of its group (a
// near-tie may fall either way), each loss within 0.002.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <map>

#include "engine/loaded_model.h"
#include "engine/score.h"
#include "support/jsonl.h"

namespace fathom {
namespace {

struct Item {
  std::vector<int32_t> tokens;  // prompt and reply
  int64_t prompt_tokens = 0;
  int64_t answer_begin = 0;  // position of the first token after the thinking
};

struct Tally {
  int items = 0;
  int exact = 0;
  int answer = 0;
  double loss = 0.0;       // sum over items of the mean over the reply's tokens
  double mtp_share = 0.0;  // likewise

  void add(const Tally& other) {
    items += other.items;
    exact += other.exact;
    answer += other.answer;
    loss += other.loss;
    mtp_share += other.mtp_share;
  }
};

int32_t best_token(std::span<const float> logits) {
  return static_cast<int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

double loss_of(std::span<const float> logits, int32_t token) {
  const double top = *std::max_element(logits.begin(), logits.end());
  double sum = 0.0;
  for (const float logit : logits) sum += std::exp(logit - top);
  return std::log(sum) + top - logits[token];
}

Tally tally_of(const Model& model, const Item& item, Rounding rounding) {
  const auto count = std::ssize(item.tokens);
  const auto scored =
      score(model, MatView<const int32_t>(item.tokens.data(), 1, count),
            {.threads = 2, .rounding = rounding, .chunk = 256, .draft = DraftLogits::kWanted});
  if (!scored.ok()) {
    std::fprintf(stderr, "%s\n", std::string(scored.status().message()).c_str());
    std::exit(1);
  }
  Tally t{.items = 1, .exact = 1, .answer = 1};
  const auto reply_tokens = static_cast<double>(count - item.prompt_tokens);
  for (int64_t p = item.prompt_tokens; p < count; ++p) {
    const auto logits = scored->logits.view().row_span(p - 1);
    t.loss += loss_of(logits, item.tokens[p]) / reply_tokens;
    if (best_token(logits) != item.tokens[p]) {
      t.exact = 0;
      if (p >= item.answer_begin) t.answer = 0;
    }
    // The draft of the first reply token comes from prompt rows only and is not counted.
    if (p == item.prompt_tokens) continue;
    if (best_token(scored->draft_logits.view().row_span(p - 2)) == item.tokens[p]) {
      t.mtp_share += 1.0 / (reply_tokens - 1);
    }
  }
  return t;
}

Item read_item(const JsonValue& line, const Tokenizer& tokenizer) {
  Item item;
  tokenizer.encode(line.find("prompt")->as_string(), Tokenizer::Special::kOn, item.tokens);
  item.prompt_tokens = std::ssize(item.tokens);
  EXPECT_EQ(item.prompt_tokens, line.find("prompt_tokens")->as_int64());
  for (const JsonValue& id : line.find("reply_ids")->items()) {
    item.tokens.push_back(static_cast<int32_t>(*id.as_int64()));
  }
  const int32_t think_end = *tokenizer.added_token("</think>");
  const auto reply = item.tokens.begin() + item.prompt_tokens;
  const auto end = std::find(reply, item.tokens.end(), think_end);
  item.answer_begin = end == item.tokens.end() ? item.prompt_tokens : end - item.tokens.begin() + 1;
  return item;
}

// The README's rows that one line counts in.
std::vector<std::string> groups_of(const std::string& skill, const JsonValue& line) {
  const std::string mode = line.find("mode")->as_string() == "chat" ? "direct" : "thinking";
  if (skill == "stories") return {"a stories"};
  if (skill == "facts") return {"b facts, " + mode};
  if (skill == "tools") return {"e tools, " + mode};
  if (skill == "arithmetic") {
    const bool words = line.find("kind")->as_string() == "word problem";
    return {"c arithmetic, " + mode,
            words ? "c of these: word problems" : "c of these: sums and differences"};
  }
  const int64_t sentences = *line.find("sentences")->as_int64();
  return {"d needle, " + std::to_string(sentences) + " sentences", "d needle, all"};
}

// A row of the README's table: items, loss, exact and answer share in percent, MTP share.
struct Published {
  int items;
  double loss, exact, answer, mtp;
};

const std::map<std::string, Published> kPublished = {
    {"a stories", {150, 0.313, 0.0, 0.0, 84.9}},
    {"b facts, direct", {100, 0.042, 96.0, 96.0, 86.9}},
    {"b facts, thinking", {50, 0.037, 86.0, 94.0, 89.0}},
    {"c arithmetic, direct", {75, 0.072, 84.0, 84.0, 88.3}},
    {"c arithmetic, thinking", {75, 0.001, 100.0, 100.0, 98.0}},
    {"c of these: sums and differences", {120, 0.002, 100.0, 100.0, 94.0}},
    {"c of these: word problems", {30, 0.172, 60.0, 60.0, 89.7}},
    {"d needle, 5 sentences", {30, 0.089, 46.7, 46.7, 87.6}},
    {"d needle, 10 sentences", {30, 0.075, 60.0, 60.0, 86.1}},
    {"d needle, 20 sentences", {30, 0.075, 50.0, 50.0, 88.6}},
    {"d needle, 35 sentences", {30, 0.076, 53.3, 53.3, 84.4}},
    {"d needle, 50 sentences", {30, 0.065, 60.0, 70.0, 88.9}},
    {"d needle, all", {150, 0.076, 54.0, 56.0, 87.1}},
    {"e tools, direct", {100, 0.002, 100.0, 100.0, 95.6}},
    {"e tools, thinking", {50, 0.015, 96.0, 96.0, 88.0}},
};

double percent(int64_t part, int64_t whole) {
  return 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

bool reproduces(const Tally& got, const Published& want) {
  const double one_item = 100.0 / want.items + 0.05;  // and the table's rounding
  return got.items == want.items && std::abs(got.loss / got.items - want.loss) <= 0.0025 &&
         std::abs(percent(got.exact, got.items) - want.exact) <= one_item &&
         std::abs(percent(got.answer, got.items) - want.answer) <= one_item &&
         std::abs(100.0 * got.mtp_share / got.items - want.mtp) <= 1.0;
}

int run(bool check) {
  const auto loaded = LoadedModel::open(system_io(), "builtin:tiny-chat");
  const auto tokenizer = open_tokenizer(system_io(), "builtin:tiny-chat");
  std::map<std::string, Tally> table;
  for (const std::string skill : {"stories", "facts", "arithmetic", "needle", "tools"}) {
    const std::string path = std::string(FATHOM_SOURCE_DIR "/models/tiny-chat/eval/") + skill + ".jsonl";
    for (const JsonValue& line : test::read_jsonl(path)) {
      const Tally tally = tally_of((*loaded)->model(), read_item(line, *tokenizer), Rounding::kAsDeployed);
      for (const std::string& group : groups_of(skill, line)) table[group].add(tally);
    }
  }
  std::printf("| skill | items | loss | exact | answer | MTP |\n|---|---|---|---|---|---|\n");
  bool all = true;
  for (const auto& [group, t] : table) {
    const bool same = reproduces(t, kPublished.at(group));
    all = all && same;
    std::printf("| %s | %d | %.3f | %.1f %% | %.1f %% | %.1f %% |%s\n", group.c_str(), t.items,
                t.loss / t.items, percent(t.exact, t.items), percent(t.answer, t.items),
                100.0 * t.mtp_share / t.items, same ? "" : " differs from the README");
  }
  return check && !all ? 1 : 0;
}

}  // namespace
}  // namespace fathom

int main(int argc, char** argv) { return fathom::run(argc > 1 && std::strcmp(argv[1], "--check") == 0); }
