// SPDX-License-Identifier: MIT
// Model directories: one file, shards, and every way in which an index can lie (reliability.md F-2).
#include "weights/weight_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/concat.h"
#include "io/directory.h"
#include "io/mapping_guard.h"
#include "support/failing_io.h"
#include "weights/safetensors_writer.h"
#include "weights/shard_index.h"

namespace fathom {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

// One U8[3] tensor per name.
std::string file_with(const std::vector<std::string>& names) {
  static const std::string data = "abc";
  static const std::vector<int64_t> shape = {3};
  std::vector<StoredTensor> tensors;
  for (const std::string& name : names)
    tensors.push_back({name, Dtype::kU8, shape, std::as_bytes(std::span(data))});
  return safetensors_bytes(tensors);
}

// ROOT/model is the directory that is opened; ROOT/outside.safetensors is a good file that must never be.
class WeightStoreTest : public testing::Test {
 protected:
  WeightStoreTest()
      : root_(fs::path(testing::TempDir()) / "fathom_weight_store_test"), model_(root_ / "model") {
    fs::remove_all(root_);
    fs::create_directories(model_);
    write("../outside.safetensors", file_with({"x"}));
  }
  ~WeightStoreTest() override { fs::remove_all(root_); }

  void write(const std::string& name, const std::string& text) {
    std::ofstream(model_ / name, std::ios::binary) << text;
  }
  void write_index(const std::string& weight_map) {
    write("model.safetensors.index.json",
          concat("{\"metadata\":{\"total_size\":9},\"weight_map\":", weight_map, "}"));
  }
  Status open() { return WeightStore::open(system_io(), model_).status(); }

  fs::path root_;
  fs::path model_;
};

TEST_F(WeightStoreTest, OneFileIsFoundByName) {
  write("model.safetensors", file_with({"a", "b"}));
  const Result<WeightStore> opened = WeightStore::open(system_io(), model_);
  ASSERT_TRUE(opened.ok()) << opened.status().message();
  EXPECT_EQ(opened->tensors().size(), 2u);
  EXPECT_EQ(opened->tensor_bytes(), 6);
  EXPECT_EQ(opened->file_bytes(), static_cast<int64_t>(fs::file_size(model_ / "model.safetensors")));
  ASSERT_NE(opened->find("b"), nullptr);
  EXPECT_EQ(opened->find("b")->bytes.size(), 3u);
  EXPECT_EQ(opened->find("c"), nullptr);
}

TEST_F(WeightStoreTest, ShardsAreJoined) {
  write("one.safetensors", file_with({"a", "b"}));
  write("two.safetensors", file_with({"c"}));
  write_index(R"({"a":"one.safetensors","c":"two.safetensors","b":"one.safetensors"})");
  Result<WeightStore> opened = WeightStore::open(system_io(), model_);
  ASSERT_TRUE(opened.ok()) << opened.status().message();
  const WeightStore moved = std::move(opened).value();
  EXPECT_EQ(moved.file_count(), 2u);
  for (const char* name : {"a", "b", "c"}) {
    ASSERT_NE(moved.find(name), nullptr) << name;
    EXPECT_EQ(static_cast<char>(moved.find(name)->bytes[2]), 'c') << name;
  }
}

TEST_F(WeightStoreTest, ADirectoryWithoutWeightsIsNotFound) {
  EXPECT_EQ(open().code(), StatusCode::kNotFound);
  EXPECT_THAT(std::string(open().message()),
              HasSubstr("expected model.safetensors or model.safetensors.index.json"));
  EXPECT_EQ(WeightStore::open(system_io(), root_ / "none").status().code(), StatusCode::kNotFound);
}

struct BadIndex {
  std::string what;
  std::string weight_map;
  StatusCode code;
  std::string message;
};

TEST_F(WeightStoreTest, LyingIndicesAreRefusedAndOpenNothingOutside) {
  write("one.safetensors", file_with({"a", "b"}));
  write("two.safetensors", file_with({"c"}));
  write("again.safetensors", file_with({"a"}));
  write("broken.safetensors", "12345678");
  fs::create_symlink("../outside.safetensors", model_ / "link.safetensors");
  fs::create_symlink(root_ / "outside.safetensors", model_ / "absolute.safetensors");
  fs::create_directories(model_ / "folder.safetensors");
  constexpr auto kInvalid = StatusCode::kInvalidArgument;
  constexpr auto kCorrupt = StatusCode::kCorrupt;
  const std::vector<BadIndex> table = {
      {"parent", R"({"x":"../outside.safetensors"})", kInvalid, "tensor x: expected the name of a file"},
      {"absolute", concat(R"({"x":")", (root_ / "outside.safetensors").string(), "\"}"), kInvalid,
       "found a path"},
      {"below", R"({"x":"folder/x.safetensors"})", kInvalid, "found a path"},
      {"here and up", R"({"x":"./../outside.safetensors"})", kInvalid, "found a path"},
      {"escaped slash", R"({"x":"..\u002foutside.safetensors"})", kInvalid, "found a path"},
      {"dot dot", R"({"x":".."})", kInvalid, "found a path"},
      {"empty", R"({"x":""})", kInvalid, "found a path"},
      {"NUL", R"({"x":"one.safetensors\u0000"})", kInvalid, "found a path"},
      {"link out", R"({"x":"link.safetensors"})", kInvalid, "found a link to ../outside.safetensors"},
      {"absolute link", R"({"x":"absolute.safetensors"})", kInvalid, "found a link to /"},
      {"directory", R"({"x":"folder.safetensors"})", kInvalid, "expected a regular file"},
      {"missing shard", R"({"x":"three.safetensors"})", kCorrupt,
       "expected a shard three.safetensors, found no such file"},
      {"broken shard", R"({"x":"broken.safetensors"})", kCorrupt, "broken.safetensors: header length"},
      {"tensor in no shard", R"({"a":"one.safetensors","b":"one.safetensors","d":"one.safetensors"})",
       kCorrupt, "one.safetensors: expected tensor d as the index says, found no such tensor"},
      {"tensor in the wrong shard", R"({"a":"one.safetensors","b":"two.safetensors","c":"two.safetensors"})",
       kCorrupt,
       "one.safetensors: tensor b: expected the index to list it here, found it listed in two.safetensors"},
      {"tensor not listed", R"({"a":"one.safetensors"})", kCorrupt,
       "tensor b: expected the index to list it here"},
      {"tensor in two shards", R"({"a":"one.safetensors","b":"one.safetensors","z":"again.safetensors"})",
       kCorrupt, "again.safetensors: tensor a: expected in one shard, found in two"},
      {"tensor listed twice", R"({"a":"one.safetensors","a":"two.safetensors"})", kCorrupt,
       "expected once, found twice"},
      {"file is a number", R"({"a":1})", kCorrupt, "expected a string"},
      {"map is an array", R"([])", kCorrupt, "expected '{'"},
      {"map is null", R"(null)", kCorrupt, "expected '{'"},
      {"two maps", R"({},"weight_map":{})", kCorrupt, "weight_map: expected once"},
      {"text behind", R"({}}x)", kCorrupt, "model.safetensors.index.json: byte"},
      {"no end", R"({"a":"one.safetensors")", kCorrupt, "expected '}'"},
  };
  for (const BadIndex& row : table) {
    write_index(row.weight_map);
    FailingIo env;
    const Status status = WeightStore::open(env, model_).status();
    EXPECT_EQ(status.code(), row.code) << row.what << ": " << status.message();
    EXPECT_THAT(std::string(status.message()), HasSubstr(row.message)) << row.what;
    for (const std::string& name : env.opened())
      EXPECT_TRUE(is_plain_file_name(name)) << row.what << ": " << name;
    EXPECT_EQ(env.open_descriptors(), 0) << row.what;
    EXPECT_EQ(env.live_mappings(), 0) << row.what;
  }
}

TEST_F(WeightStoreTest, AnIndexWithoutAMapIsRefused) {
  for (const char* text : {"{}", "[]", "", "{\"metadata\":{}}", "{\"weight_map\"", "\xff"}) {
    write("model.safetensors.index.json", text);
    EXPECT_EQ(open().code(), StatusCode::kCorrupt) << text;
  }
}

TEST_F(WeightStoreTest, ConfigTextIsReadUpToItsCap) {
  write("config.json", std::string(1 << 20, ' '));
  EXPECT_TRUE(read_config_text(system_io(), model_).ok());
  write("config.json", std::string((1 << 20) + 1, ' '));
  EXPECT_EQ(read_config_text(system_io(), model_).status().code(), StatusCode::kInvalidArgument);
  fs::remove(model_ / "config.json");
  EXPECT_EQ(read_config_text(system_io(), model_).status().code(), StatusCode::kNotFound);
}

// Each call of opening two shards fails once; the error is told and nothing stays open.
TEST_F(WeightStoreTest, EveryCallMayFail) {
  write("one.safetensors", file_with({"a", "b"}));
  write("two.safetensors", file_with({"c"}));
  write_index(R"({"a":"one.safetensors","b":"one.safetensors","c":"two.safetensors"})");
  FailingIo counter;
  ASSERT_TRUE(WeightStore::open(counter, model_).ok());
  EXPECT_GE(counter.calls(), 10);
  for (const int error : {EIO, EACCES, EMFILE, ENOENT}) {
    for (int call = 1; call <= counter.calls(); ++call) {
      FailingIo env(call, error);
      // Call 2 looks for model.safetensors, whose absence is no error.
      EXPECT_EQ(WeightStore::open(env, model_).ok(), error == ENOENT && call == 2) << error << " at " << call;
      EXPECT_EQ(env.open_descriptors(), 0) << error << " at " << call;
      EXPECT_EQ(env.live_mappings(), 0) << error << " at " << call;
    }
  }
}

TEST_F(WeightStoreTest, AFileCutShortWhileInUseIsNamed) {
  install_mapping_guard();
  write("model.safetensors", file_with({"a", "b"}));
  const Result<WeightStore> store = WeightStore::open(system_io(), model_);
  ASSERT_TRUE(store.ok()) << store.status().message();
  const StoredTensor& tensor = *store->find("b");
  EXPECT_TRUE(store->check_intact().ok());
  fs::resize_file(model_ / "model.safetensors", 0);
  EXPECT_EQ(tensor.bytes[0], std::byte{0});
  const Status status = store->check_intact();
  EXPECT_EQ(status.code(), StatusCode::kIo);
  EXPECT_THAT(status.message(), HasSubstr("model.safetensors: expected to read"));
}

TEST(WeightStore, MemoryServesAsAFile) {
  const std::string bytes = file_with({"a"});
  Result<WeightStore> store = WeightStore::from_memory(std::as_bytes(std::span(bytes)));
  ASSERT_TRUE(store.ok());
  EXPECT_EQ(store->find("a")->bytes.data(), std::as_bytes(std::span(bytes)).data() + bytes.size() - 3);
  EXPECT_EQ(WeightStore::from_memory({}).status().message(),
            "model.safetensors: expected at least 8 bytes, found 0");
}

TEST(WeightStore, ResidentMemoryIsCountedAndStays) {
  const std::string bytes = file_with({"a"});
  WeightStore store = WeightStore::from_memory(std::as_bytes(std::span(bytes))).value();
  const MatView<float> first = store.allocate<float>(3, 5).value();
  first.at(2, 4) = 7.0f;
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(store.allocate<uint16_t>(1, 7).ok());
  EXPECT_EQ(store.resident_bytes(), 3 * 5 * 4 + 100 * 14);
  const WeightStore moved = std::move(store);
  EXPECT_EQ(first.at(2, 4), 7.0f);
}

TEST(ShardIndex, FilesAreNumberedInOrderOfMention) {
  const ShardIndex index =
      parse_shard_index(R"({"other":[1,{"x":null}],"weight_map":{"a":"f2","b":"f1","\u0063":"f2"}})").value();
  EXPECT_EQ(index.files, (std::vector<std::string>{"f2", "f1"}));
  EXPECT_EQ(index.shard_of.at("a"), 0u);
  EXPECT_EQ(index.shard_of.at("b"), 1u);
  EXPECT_EQ(index.shard_of.at("c"), 0u);
}

TEST(NameTable, FindsAllOfManyNamesAndNoOthers) {
  std::vector<std::string> names;
  for (int i = 0; i < 10'007; ++i) names.push_back(concat("layers.", i, ".w"));
  const auto name_of = [&](uint32_t place) { return std::string_view(names[place]); };
  NameTable table;
  for (uint32_t i = 0; i < names.size(); ++i) {
    ASSERT_TRUE(table.insert(names[i], i, name_of));
    ASSERT_FALSE(table.insert(names[i / 2], i, name_of));
  }
  for (uint32_t i = 0; i < names.size(); ++i) EXPECT_EQ(table.find(names[i], name_of), i);
  EXPECT_EQ(table.find("layers.10007.w", name_of), NameTable::kNone);
  EXPECT_EQ(NameTable().find("a", name_of), NameTable::kNone);
}

}  // namespace
}  // namespace fathom
