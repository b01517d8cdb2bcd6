// SPDX-License-Identifier: MIT
// The one file that sees CLI11. Each add_* function declares one command and what to run when it was chosen.
#include "apps/command_line.h"

#include <CLI/CLI.hpp>
#include <csignal>
#include <functional>
#include <new>

#include "apps/commands.h"
#include "apps/standard_streams.h"
#include "apps/version.h"
#include "io/mapping_guard.h"
#include "server/server_settings.h"

namespace fathom {
namespace {

using Run = std::function<Status()>;

// The chosen command; set by CLI11's callback, run after parsing, so an error of a command is not one of
// parsing.
struct Chosen {
  Run run;
};

void add_compute(CLI::App& app, ComputeOptions& options) {
  app.add_option("--threads", options.threads, "Compute threads; 0: one per physical core")
      ->capture_default_str();
  app.add_option(
      "--isa", options.isa,
      "Instruction set tier: generic, avx2, avx512, avx512-bf16, amx (default: FATHOM_ISA, else the "
      "best for this CPU)");
}

void add_sampling(CLI::App& app, SamplingOptions& options) {
  app.add_option("--temperature", options.temperature, "0: greedy; higher: more varied");
  app.add_option("--top-p", options.top_p, "Keep the likeliest tokens up to this total probability");
  app.add_option("--top-k", options.top_k, "Keep the K likeliest tokens; 0: off");
  app.add_option("--min-p", options.min_p, "Drop tokens below this share of the likeliest one's probability");
  app.add_option("--repetition-penalty", options.repetition_penalty,
                 "Above 1: discourage tokens already seen");
  app.add_option("--presence-penalty", options.presence_penalty,
                 "Subtracted once from tokens already generated");
  app.add_option("--frequency-penalty", options.frequency_penalty,
                 "Subtracted for each time a token was generated");
  app.add_option("--seed", options.seed, "Same seed, same tokens; default: a fresh one");
}

// Declares a command whose options live as long as the parser.
template <typename Command>
CLI::App* add_command(CLI::App& app, Chosen& chosen, const char* name, const char* description,
                      Status (*run)(const Command&), std::shared_ptr<Command> command) {
  CLI::App* sub = app.add_subcommand(name, description);
  sub->callback([&chosen, run, command] { chosen.run = [run, command] { return run(*command); }; });
  return sub;
}

constexpr const char* kModelHelp = "Model directory, or builtin:tiny-chat";
constexpr const char* kTokenizerHelp = "Model directory, tokenizer.json, or builtin:tiny-chat";

void add_chat(CLI::App& app, Chosen& chosen) {
  auto c = std::make_shared<ChatCommand>();
  CLI::App* sub = add_command(app, chosen, "chat", "Talk with a model", run_chat, c);
  sub->add_option("MODEL", c->model, "Model directory (default: builtin:tiny-chat)");
  sub->add_option("--think", c->think, "Reasoning before the reply: none, high or max");
  sub->add_option("--system", c->system, "System text");
  sub->add_option("-m,--message", c->message, "Say this, print the reply and end");
  sub->add_option("-n,--max-tokens", c->max_tokens, "Longest reply in tokens; 0: the room left")
      ->capture_default_str();
  add_sampling(*sub, c->sampling);
  add_compute(*sub, c->compute);
}

void add_generate(CLI::App& app, Chosen& chosen) {
  auto c = std::make_shared<GenerateCommand>();
  CLI::App* sub =
      add_command(app, chosen, "generate", "Continue a text, without chat format", run_generate, c);
  sub->add_option("MODEL", c->model, kModelHelp)->required();
  sub->add_option("--prompt", c->prompt, "Text to continue; BOS is put before it");
  sub->add_option("--tokens-in", c->tokens_in,
                  "Token ids to continue, as \"1,2,3\"; nothing is put before them");
  sub->add_option("-n,--max-tokens", c->max_tokens, "Longest answer in tokens")->capture_default_str();
  sub->add_option("--stop", c->stop, "End before this text; may be given several times")
      ->take_all()
      ->expected(1);
  sub->add_flag("--json", c->json, "Print text, tokens, logprobs, finish_reason and usage as JSON");
  sub->add_flag("--special", c->special, "Read special tokens spelled out in the prompt");
  add_sampling(*sub, c->sampling);
  add_compute(*sub, c->compute);
}

void add_logits(CLI::App& app, Chosen& chosen) {
  auto c = std::make_shared<LogitsCommand>();
  CLI::App* sub = add_command(app, chosen, "logits", "Compute logits of given tokens", run_logits, c);
  sub->add_option("MODEL", c->model, kModelHelp)->required();
  sub->add_option("--tokens", c->tokens_file, "Safetensors file with tokens I32 [B,T]; - is standard input")
      ->required();
  sub->add_option("--out", c->out_file, "Safetensors file to write; - is standard output")->required();
  sub->add_flag("--exact", c->exact, "Switch the activation, KV and indexer round trips off");
  sub->add_option("--chunk", c->chunk, "Tokens fed at a time; 0: all in one pass")->capture_default_str();
  sub->add_flag("--mtp", c->mtp, "Add mtp_logits of the MTP layer");
  sub->add_flag("--trace", c->trace, "Add streams, router and indexer choices of sequence 0");
  sub->add_flag("--reference", c->reference, "Use the plain reference code");
  add_compute(*sub, c->compute);
}

void add_gradients(CLI::App& app, Chosen& chosen) {
  auto c = std::make_shared<GradientsCommand>();
  CLI::App* sub =
      add_command(app, chosen, "gradients", "A loss and its gradient by every parameter", run_gradients, c);
  sub->add_option("MODEL", c->model, kModelHelp)->required();
  sub->add_option("--tokens", c->tokens_file,
                  "Safetensors file with tokens I32 [B,T], and doc_lengths I32 when sequence 0 is packed")
      ->required();
  sub->add_option("--out", c->out_file, "Safetensors file to write; - is standard output")->required();
  sub->add_option("--loss", c->loss, "lm, mtp=W, indexer=W:dense or :sparse, balance=W, joined by commas")
      ->capture_default_str();
  sub->add_flag("--dense", c->dense, "Ignore index_topk: attend to all visible entries");
  sub->add_option("--qat", c->qat, "Round as deployed, straight through: fp8, fp4 or fp4,fp8");
  add_compute(*sub, c->compute);
}

void add_train(CLI::App& app, Chosen& chosen) {
  auto c = std::make_shared<TrainCommand>();
  CLI::App* sub = add_command(app, chosen, "train", "Train a model as a recipe says", run_train, c);
  sub->add_option("RECIPE", c->recipe, "TOML file; docs/training.md lists its keys")->required();
  sub->add_flag("--resume", c->resume, "Go on from the newest checkpoint of the run");
  sub->add_option("--set", c->set,
                  "Replace a value of the recipe, as run.steps=100; may be given several times")
      ->take_all()
      ->expected(1);
  add_compute(*sub, c->compute);
}

void add_text_commands(CLI::App& app, Chosen& chosen) {
  auto t = std::make_shared<TokenizeCommand>();
  CLI::App* tokenize =
      add_command(app, chosen, "tokenize", "Text on standard input to token ids", run_tokenize, t);
  tokenize->add_option("MODEL", t->model, kTokenizerHelp)->required();
  tokenize->add_flag("--special", t->special, "Read special tokens spelled out in the text");
  tokenize->add_flag("--jsonl", t->jsonl, "A JSON object a line: text or bytes_b64 in, ids out");

  auto d = std::make_shared<DetokenizeCommand>();
  CLI::App* detokenize =
      add_command(app, chosen, "detokenize", "Token ids to text: {\"ids\"} a line", run_detokenize, d);
  detokenize->add_option("MODEL", d->model, kTokenizerHelp)->required();
  detokenize->add_flag("--jsonl", d->jsonl, "A JSON object a line (the only form)");
  detokenize->add_flag("--stream", d->stream, "Show what becomes final with each token");

  auto b = std::make_shared<TrainTokenizerCommand>();
  CLI::App* train = add_command(app, chosen, "train-tokenizer",
                                "Text files to a tokenizer.json (byte-level BPE, DeepSeek's splits)",
                                run_train_tokenizer, b);
  train->add_option("FILE", b->files, "Text files; .jsonl: an object with a text a line")->required();
  train->add_option("--vocab-size", b->vocab_size, "Tokens in all, added ones included")->required();
  train->add_option("--min-frequency", b->min_frequency, "Least count of a pair that is merged")
      ->capture_default_str();
  train->add_option("--out", b->out_file, "The tokenizer.json to write")->required();

  auto p = std::make_shared<TemplateCommand>();
  CLI::App* render =
      add_command(app, chosen, "template", "Conversations to prompts, a JSON object a line", run_template, p);
  render->add_option("MODEL", p->model, kTokenizerHelp)->required();
  render->add_option("--dialect", p->dialect, "preview or official (default: what the checkpoint shows)");
  render->add_flag("--jsonl", p->jsonl, "A JSON object a line (the only form)");

  auto r = std::make_shared<ParseReplyCommand>();
  CLI::App* parse = add_command(app, chosen, "parse-reply", "Model text to messages, a JSON object a line",
                                run_parse_reply, r);
  parse->add_option("MODEL", r->model, kTokenizerHelp)->required();
  parse->add_option("--units", r->units, "Feed this many code points at a time; 0: as they come")
      ->capture_default_str();
  parse->add_flag("--events", r->events, "Add what had been emitted after each unit");
  parse->add_flag("--jsonl", r->jsonl, "A JSON object a line (the only form)");
}

void add_inspect(CLI::App& app, Chosen& chosen) {
  auto c = std::make_shared<InspectCommand>();
  CLI::App* sub =
      add_command(app, chosen, "inspect", "What is in a checkpoint; reads headers only", run_inspect, c);
  sub->add_option("MODEL", c->model, kModelHelp)->required();
  sub->add_flag("--json", c->json, "JSON instead of text");
  sub->add_flag("--claims", c->claims, "FLOPs and KV bytes per token against DeepSeek-V3.2, 4K to 1M");
  sub->add_flag("--plan", c->plan, "Bytes needed, and whether they fit");
  sub->add_option("--context", c->context, "Tokens per sequence in the plan; 0: the model's own")
      ->capture_default_str();
  sub->add_option("--sequences", c->sequences, "Sequences in the plan")->capture_default_str();
  sub->add_option("--memory", c->memory, "Memory to fit, as 24G (default: this machine's)");
}

void add_bench(CLI::App& app, Chosen& chosen) {
  auto c = std::make_shared<BenchCommand>();
  CLI::App* sub =
      add_command(app, chosen, "bench", "Speed next to the limits of this machine", run_bench_command, c);
  sub->add_option(
      "WHAT", c->words,
      "limits, kernels, decode, prefill, batch, long, load (default: decode, prefill, batch, load), "
      "and MODEL");
  sub->add_option("--preset", c->preset, "Random weights in memory: flash-slice, pro-slice, mini or tiny");
  sub->add_option("--figure", c->figure, "Measure only this figure, as \"decode ctx 64\"");
  sub->add_flag("--json", c->json, "A JSON object a line");
  sub->add_flag("--profile", c->profile, "Parts of each figure: time, bytes, waits");
  sub->add_flag("--quick", c->quick, "Two short repetitions instead of five");
  sub->add_option("--against", c->against, "Alternate with this program, whose last output line is a number");
  sub->add_option("--csv", c->csv, "Add the figures to this file");
  sub->add_option("--svg", c->svg, "Write a roofline plot");
  add_compute(*sub, c->compute);
}

// One option for each setting of the server's table.
void add_serve(CLI::App& app, Chosen& chosen) {
  auto c = std::make_shared<ServeCommand>();
  CLI::App* sub =
      add_command(app, chosen, "serve", "HTTP server with the OpenAI and Anthropic APIs", run_serve, c);
  sub->add_option("MODEL", c->model, "Model directory (default: builtin:tiny-chat)");
  sub->add_option("--config", c->config_file, "TOML file with settings (default: FATHOM_CONFIG)");
  sub->add_flag("--print-config", c->print_config, "Print every setting with where it comes from, and end");
  for (const Setting& setting : server_settings()) {
    const std::string flag = "--" + std::string(setting.name);
    const std::string help = std::string(setting.help) +
                             (setting.fallback.empty() ? "" : " (" + std::string(setting.fallback) + ")");
    const auto add = [c, name = std::string(setting.name)](const std::string& text) {
      c->settings[name].push_back(text);
    };
    if (setting.kind == Setting::Kind::kFlag) {
      sub->add_flag_callback(flag, [add] { add("true"); }, help);
    } else if (setting.kind == Setting::Kind::kList) {
      sub->add_option_function<std::vector<std::string>>(
             flag,
             [add](const std::vector<std::string>& texts) {
               for (const std::string& text : texts) add(text);
             },
             help)
          ->take_all()
          ->expected(1);
    } else {
      sub->add_option_function<std::string>(flag, add, help);
    }
  }
}

int report(const Status& status) {
  if (status.ok()) return 0;
  std::fprintf(stderr, "fathom: error: %s\n", std::string(status.message()).c_str());
  return exit_code(status.code());
}

// One line for what is wrong with the arguments.
int report_usage(const CLI::ParseError& error) {
  std::string what = error.what();
  for (char& c : what) {
    if (c == '\n') c = ' ';
  }
  return report(Status(StatusCode::kInvalidArgument, "arguments: " + what + " (see fathom --help)"));
}

Status run_guarded(const Run& run) {
  try {
    return run();
  } catch (const std::bad_alloc&) {
    return Status(StatusCode::kResourceExhausted, "memory: the system has no more");
  } catch (const std::exception& e) {
    return Status(StatusCode::kInternal, e.what());
  }
}

}  // namespace

int run_command_line(int argc, const char* const* argv) {
  hold_standard_descriptors();
  std::signal(SIGPIPE, SIG_IGN);  // a closed pipe is an error of the write, reported like any other
  install_mapping_guard();
  CLI::App app("fathom runs models of the DeepSeek-V4 architecture on the CPU.\n", "fathom");
  app.require_subcommand(1);
  app.set_version_flag("--version", version_text);
  app.footer("fathom COMMAND --help tells more. Results go to standard output, all else to standard error.");
  Chosen chosen;
  add_chat(app, chosen);
  add_generate(app, chosen);
  add_logits(app, chosen);
  add_gradients(app, chosen);
  add_train(app, chosen);
  add_text_commands(app, chosen);
  add_inspect(app, chosen);
  add_bench(app, chosen);
  add_serve(app, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {  // --help, --version
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    return report_usage(error);
  }
  return report(run_guarded(chosen.run));
}

}  // namespace fathom
