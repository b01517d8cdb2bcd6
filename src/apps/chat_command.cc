// SPDX-License-Identifier: MIT
// `fathom chat`: a conversation at a terminal, of piped lines, or of one message (conformance.md).
#include <unistd.h>

#include "apps/chat_loop.h"
#include "apps/chat_slash.h"
#include "apps/commands.h"
#include "apps/line_editor.h"
#include "apps/sampling_options.h"
#include "base/concat.h"
#include "base/human_units.h"
#include "config/claims.h"
#include "engine/builtin_model.h"
#include "engine/compute.h"

namespace fathom {
namespace {

Result<ChatSettings> settings_of(const ChatCommand& command, const std::string& model) {
  ChatSettings settings;
  settings.system = command.system;
  settings.max_tokens = command.max_tokens;
  const auto level = think_level_from_name(command.think.empty() ? "none" : command.think);
  if (!level) {
    return Status(StatusCode::kInvalidArgument,
                  concat("--think: expected none, high or max, found \"", command.think, '"'));
  }
  settings.think = *level;
  settings.seed = command.sampling.seed ? ChatSettings::Seed::kSame : ChatSettings::Seed::kFreshEachTurn;
  FATHOM_ASSIGN_OR_RETURN(settings.sampling, sampling_params(model, command.sampling));
  return settings;
}

void show_banner(TerminalOutput& out, const ChatModel& model, const Compute& compute) {
  const ModelConfig& config = model.loaded->model().config;
  out.write(concat(model.name, ": ", human_parameters(count_parameters(config).total),
                   " parameters, context ", config.max_position_embeddings, ", ", compute.tier, ", ",
                   compute.threads, compute.threads == 1 ? " thread\n" : " threads\n"),
            Style::kDim);
  out.write("/help lists commands, Ctrl-C stops a reply, Ctrl-D leaves\n\n", Style::kDim);
}

struct Streams {
  TerminalOutput out{STDOUT_FILENO, wanted_styling()};
  TerminalOutput err{STDERR_FILENO, wanted_styling()};
};

Status talk_at_terminal(ChatSession& session, Streams& streams, SignalEvents& signals) {
  TerminalInput input(STDIN_FILENO, signals);
  const ChatDisplay display{streams.out, streams.out, ChatDisplay::Manner::kPeople};
  auto editor = terminal_takes_controls() ? make_line_editor(input, streams.out) : nullptr;
  PlainLineReader plain(input, streams.out, PlainLineReader::Prompting::kYes);
  LineReader& reader = editor != nullptr ? *editor : plain;
  return run_turns(session, reader, display, signals);
}

Status talk_in_lines(ChatSession& session, Streams& streams, SignalEvents& signals) {
  TerminalInput input(STDIN_FILENO, signals);
  PlainLineReader reader(input, streams.out, PlainLineReader::Prompting::kNo);
  return run_turns(session, reader, {streams.out, streams.err, ChatDisplay::Manner::kData}, signals);
}

}  // namespace

Status run_chat(const ChatCommand& command) {
  const std::string name = command.model.empty() ? std::string(kBuiltinModelName) : command.model;
  FATHOM_ASSIGN_OR_RETURN(const Compute compute,
                          configure_compute(command.compute.isa, command.compute.threads));
  FATHOM_ASSIGN_OR_RETURN(const ChatSettings settings, settings_of(command, name));
  FATHOM_ASSIGN_OR_RETURN(const auto model, ChatModel::open(system_io(), name));
  // Before the pool's threads start, so that none of them is struck by a signal.
  FATHOM_ASSIGN_OR_RETURN(const auto signals, SignalEvents::open());
  FATHOM_ASSIGN_OR_RETURN(const auto session, ChatSession::create(*model, settings, compute.threads));

  Streams streams;
  if (command.message) {
    const bool for_people = streams.out.is_terminal() && streams.err.is_terminal();
    const ChatDisplay display{streams.out, streams.err,
                              for_people ? ChatDisplay::Manner::kPeople : ChatDisplay::Manner::kData};
    return run_one_turn(*session, *command.message, display, *signals);
  }
  if (::isatty(STDIN_FILENO) != 1 || !streams.out.is_terminal()) {
    return talk_in_lines(*session, streams, *signals);
  }
  show_banner(streams.out, *model, compute);
  return talk_at_terminal(*session, streams, *signals);
}

}  // namespace fathom
