// SPDX-License-Identifier: MIT
#include "text/chat_turns.h"

#include <algorithm>
#include <unordered_map>

namespace fathom {
namespace {

using CallOrder = std::unordered_map<std::string_view, int>;

bool asks(const Turn& turn) noexcept { return turn.role == Role::kUser || turn.role == Role::kDeveloper; }

void add_block(std::vector<Turn>& turns, const TurnBlock& block, std::string_view task) {
  const bool joins = !turns.empty() && turns.back().role == Role::kUser &&
                     (block.kind == TurnBlock::Kind::kResult || turns.back().task.empty());
  if (!joins) turns.emplace_back();
  turns.back().blocks.push_back(block);
  if (!task.empty()) turns.back().task = task;
}

std::vector<Turn> merge(const std::vector<ChatMessage>& messages) {
  std::vector<Turn> turns;
  for (const ChatMessage& message : messages) {
    if (message.role == Role::kTool) {
      add_block(turns, {TurnBlock::Kind::kResult, message.content, message.tool_call_id}, {});
    } else if (message.role == Role::kUser) {
      add_block(turns, {TurnBlock::Kind::kText, message.content, {}}, message.task);
    } else {
      turns.push_back({message.role, message.task, {}, &message});
    }
  }
  return turns;
}

// Puts the results of one turn into the order of the calls they answer; text blocks keep their places.
void sort_results(std::vector<TurnBlock>& blocks, const CallOrder& order) {
  std::vector<TurnBlock> results;
  for (const TurnBlock& block : blocks) {
    if (block.kind == TurnBlock::Kind::kResult) results.push_back(block);
  }
  const auto rank = [&order](const TurnBlock& block) {
    const auto found = order.find(block.call_id);
    return found == order.end() ? 0 : found->second;
  };
  std::stable_sort(results.begin(), results.end(),
                   [&rank](const TurnBlock& a, const TurnBlock& b) { return rank(a) < rank(b); });
  auto next = results.begin();
  for (TurnBlock& block : blocks) {
    if (block.kind == TurnBlock::Kind::kResult) block = *next++;
  }
}

void sort_all_results(std::vector<Turn>& turns) {
  CallOrder order;
  for (Turn& turn : turns) {
    if (turn.role == Role::kAssistant && !turn.message->tool_calls.empty()) {
      order.clear();
      int index = 0;
      for (const ToolCall& call : turn.message->tool_calls) {
        if (!call.id.empty()) order[call.id] = index;
        ++index;
      }
    } else if (turn.role == Role::kUser && !order.empty()) {
      sort_results(turn.blocks, order);
    }
  }
}

int last_asking(const std::vector<Turn>& turns) noexcept {
  for (size_t i = turns.size(); i > 0; --i) {
    if (asks(turns[i - 1])) return static_cast<int>(i) - 1;
  }
  return -1;
}

}  // namespace

TurnList make_turns(const Conversation& conversation) {
  TurnList list;
  list.turns = merge(conversation.messages);
  sort_all_results(list.turns);
  const bool has_tools = std::any_of(list.turns.begin(), list.turns.end(), [](const Turn& turn) {
    return turn.message != nullptr && !turn.message->tools.empty();
  });
  list.drop = conversation.drop_thinking == DropThinking::kYes && !has_tools;
  list.live = last_asking(list.turns);
  if (list.drop && conversation.thinking_mode == ThinkingMode::kThinking && list.live > 0) {
    const auto live = list.turns.begin() + list.live;
    list.turns.erase(std::remove_if(list.turns.begin(), live,
                                    [](const Turn& turn) { return turn.role == Role::kDeveloper; }),
                     live);
    list.live = last_asking(list.turns);
  }
  return list;
}

}  // namespace fathom
