// SPDX-License-Identifier: MIT
#include "server/reply_constraints.h"

#include <algorithm>
#include <utility>

#include "base/concat.h"

namespace fathom {
namespace {

constexpr size_t kMaxKeyBytes = 1 << 20;  // larger ones are compiled each time

// Everything a plan depends on; texts by length, so that none can look like another.
std::string key_of(const ConstraintSpec& spec) {
  std::string key =
      concat(static_cast<int>(spec.start), static_cast<int>(spec.format), static_cast<int>(spec.keywords),
             static_cast<int>(spec.calls), static_cast<int>(spec.call_count));
  const auto add = [&key](const std::string& text) { key.append(concat(':', text.size(), ':', text)); };
  add(spec.format_text);
  for (const ConstraintTool& tool : spec.tools) {
    add(tool.name);
    add(tool.parameters);
  }
  return key;
}

}  // namespace

ReplyConstraints::ReplyConstraints(const Tokenizer& tokenizer) {
  auto compiler = ConstraintCompiler::create(tokenizer);
  if (compiler.ok()) {
    compiler_.emplace(std::move(compiler).value());
  } else {
    unavailable_ = compiler.status();
  }
}

std::shared_ptr<const ConstraintPlan> ReplyConstraints::find(const std::string& key) {
  const std::lock_guard lock(mu_);
  const auto entry =
      std::find_if(kept_.begin(), kept_.end(), [&](const Entry& kept) { return kept.first == key; });
  if (entry == kept_.end()) return nullptr;
  kept_.splice(kept_.begin(), kept_, entry);
  return kept_.front().second;
}

Result<std::shared_ptr<const ConstraintPlan>> ReplyConstraints::plan(const ConstraintSpec& spec) {
  std::shared_ptr<const ConstraintPlan> none;
  if (spec.is_free()) return none;
  const bool may_be_free =
      spec.format == ConstraintSpec::Format::kText && spec.calls != ConstraintSpec::Calls::kRequired;
  if (!compiler_) return may_be_free ? Result(none) : unavailable_;
  std::string key = key_of(spec);
  if (auto kept = find(key)) return kept;
  FATHOM_ASSIGN_OR_RETURN(ConstraintPlan compiled, compiler_->compile(spec));
  auto plan = std::make_shared<const ConstraintPlan>(std::move(compiled));
  if (key.size() > kMaxKeyBytes) return std::shared_ptr<const ConstraintPlan>(plan);
  const std::lock_guard lock(mu_);
  kept_.emplace_front(std::move(key), plan);
  if (kept_.size() > kKept) kept_.pop_back();
  return std::shared_ptr<const ConstraintPlan>(plan);
}

}  // namespace fathom
