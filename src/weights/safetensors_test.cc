// SPDX-License-Identifier: MIT
// Broken and odd safetensors files (reliability.md F-1, F-6), from memory and through a mapping.
#include "weights/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>

#include "base/concat.h"
#include "io/mapped_file.h"
#include "weights/safetensors_writer.h"

namespace fathom {
namespace {

using ::testing::HasSubstr;

std::span<const std::byte> as_bytes(const std::string& text) { return std::as_bytes(std::span(text)); }

std::string length_prefix(uint64_t size) {
  std::string out(8, '\0');
  for (size_t i = 0; i < 8; ++i) out[i] = static_cast<char>(size >> (8 * i));
  return out;
}

std::string file_of(const std::string& header, size_t data_bytes) {
  return length_prefix(header.size()) + header + std::string(data_bytes, '\1');
}

// One tensor "a" with the given members.
std::string one(const std::string& members) { return "{\"a\":{" + members + "}}"; }

struct Broken {
  std::string what;
  std::string file;
  std::string message;  // part of the error
};

std::vector<Broken> broken_lengths() {
  const std::string good = one(R"("dtype":"U8","shape":[2],"data_offsets":[0,2])");
  return {
      {"empty file", "", "expected at least 8 bytes, found 0"},
      {"seven bytes", std::string(7, '\0'), "expected at least 8 bytes, found 7"},
      {"empty header", length_prefix(0), "expected '{'"},
      {"header longer than the file", length_prefix(100) + good, "header length: expected at most"},
      {"header length one too long", length_prefix(good.size() + 1) + good, "header length"},
      {"length 2^31", length_prefix(uint64_t{1} << 31) + good,
       "expected at most 100000000, found 2147483648"},
      {"length 2^32", length_prefix(uint64_t{1} << 32) + good, "header length"},
      {"length 2^53 + 1", length_prefix((uint64_t{1} << 53) + 1) + good, "header length"},
      {"length 2^63", length_prefix(uint64_t{1} << 63) + good, "header length"},
      {"length 2^64 - 8", length_prefix(~uint64_t{7}) + good, "header length"},
      {"length 2^64 - 1", length_prefix(~uint64_t{0}) + good, "header length"},
      {"length one over the cap", length_prefix(100'000'001), "expected at most 100000000, found 100000001"},
      {"length at the cap, no header", length_prefix(100'000'000), "(the rest of the file)"},
      {"header cut short", length_prefix(good.size() - 1) + good.substr(0, good.size() - 1), "expected '}'"},
      {"data missing", file_of(good, 0), "data: expected 2 bytes, found 0"},
      {"data one byte short", file_of(good, 1), "data: expected 2 bytes, found 1"},
      {"trailing byte", file_of(good, 3), "data: expected 2 bytes, found 3"},
      {"empty header object with data", file_of("{}", 1), "data: expected 0 bytes, found 1"},
  };
}

std::vector<Broken> broken_json() {
  const std::string entry = R"({"dtype":"U8","shape":[2],"data_offsets":[0,2]})";
  return {
      {"leading space", file_of(" {}", 0), "expected '{'"},
      {"an array", file_of("[]", 0), "expected '{'"},
      {"a byte order mark", file_of("\xef\xbb\xbf{}", 0), "expected '{'"},
      {"text behind the object", file_of("{}x", 0), "expected the end of the header, found 'x'"},
      {"NUL padding", file_of(std::string("{}\0", 3), 0), "found byte 0"},
      {"second object", file_of("{}{}", 0), "expected the end of the header"},
      {"trailing comma", file_of("{\"a\":" + entry + ",}", 2), "expected a string"},
      {"missing comma", file_of("{\"a\":" + entry + "\"b\":" + entry + "}", 2), "expected '}'"},
      {"missing colon", file_of("{\"a\"" + entry + "}", 2), "expected ':'"},
      {"name without quotes", file_of("{a:" + entry + "}", 2), "expected a string"},
      {"single quotes", file_of("{'a':" + entry + "}", 2), "expected a string"},
      {"name not closed", file_of("{\"a", 0), "found the end of the text"},
      {"bad UTF-8 in a name", file_of("{\"\xff\":" + entry + "}", 2), "well-formed UTF-8"},
      {"overlong UTF-8", file_of("{\"\xc0\xaf\":" + entry + "}", 2), "well-formed UTF-8"},
      {"UTF-8 surrogate", file_of("{\"\xed\xa0\x80\":" + entry + "}", 2), "well-formed UTF-8"},
      {"cut UTF-8", file_of("{\"\xe2\x82", 0), "well-formed UTF-8"},
      {"raw control character", file_of("{\"a\tb\":" + entry + "}", 2), "a character above 31"},
      {"unknown escape", file_of("{\"\\x41\":" + entry + "}", 2), "an escape"},
      {"short unicode escape", file_of("{\"\\u12\":" + entry + "}", 2), "four hexadecimal digits"},
      {"lone high surrogate", file_of("{\"\\ud800\":" + entry + "}", 2), "a surrogate pair"},
      {"lone low surrogate", file_of("{\"\\udc00\":" + entry + "}", 2), "a surrogate pair"},
      {"surrogates the wrong way", file_of("{\"\\ud800\\ud800\":" + entry + "}", 2), "a low surrogate"},
      {"a comment", file_of("{/**/}", 0), "expected a string"},
      {"a million brackets", file_of("{\"a\":" + std::string(1'000'000, '['), 0), "expected '{'"},
      {"entry is null", file_of(R"({"a":null})", 0), "expected '{'"},
      {"entry is an array", file_of(R"({"a":[]})", 0), "expected '{'"},
      {"metadata is an array", file_of(R"({"__metadata__":[]})", 0), "expected '{'"},
      {"metadata is null", file_of(R"({"__metadata__":null})", 0), "expected '{'"},
      {"metadata holds a number", file_of(R"({"__metadata__":{"a":1}})", 0), "expected a string"},
      {"metadata holds an object", file_of(R"({"__metadata__":{"a":{}}})", 0), "expected a string"},
      {"metadata twice", file_of(R"({"__metadata__":{},"__metadata__":{}})", 0),
       "__metadata__: expected once"},
  };
}

std::vector<Broken> broken_entries() {
  const auto with = [](const std::string& members, size_t data) { return file_of(one(members), data); };
  return {
      {"empty entry", with("", 0), "expected a string"},
      {"no dtype", with(R"("shape":[2],"data_offsets":[0,2])", 2),
       "expected dtype, shape and data_offsets, found fewer"},
      {"no shape", with(R"("dtype":"U8","data_offsets":[0,2])", 2), "found fewer"},
      {"no offsets", with(R"("dtype":"U8","shape":[2])", 2), "found fewer"},
      {"dtype twice", with(R"("dtype":"U8","dtype":"U8","shape":[2],"data_offsets":[0,2])", 2),
       "a key twice"},
      {"shape twice", with(R"("shape":[2],"dtype":"U8","shape":[2],"data_offsets":[0,2])", 2), "a key twice"},
      {"another key", with(R"("dtype":"U8","shape":[2],"data_offsets":[0,2],"x":1)", 2), "another key"},
      {"unknown dtype", with(R"("dtype":"F7","shape":[2],"data_offsets":[0,2])", 2),
       "expected a known dtype, found F7"},
      {"lower-case dtype", with(R"("dtype":"u8","shape":[2],"data_offsets":[0,2])", 2), "a known dtype"},
      {"dtype is a number", with(R"("dtype":8,"shape":[2],"data_offsets":[0,2])", 2), "expected a string"},
      {"shape is a number", with(R"("dtype":"U8","shape":2,"data_offsets":[0,2])", 2), "expected '['"},
      {"negative dimension", with(R"("dtype":"U8","shape":[-2],"data_offsets":[0,2])", 2),
       "expected digits, found '-'"},
      {"plus sign", with(R"("dtype":"U8","shape":[+2],"data_offsets":[0,2])", 2),
       "expected digits, found '+'"},
      {"fraction", with(R"("dtype":"U8","shape":[2.0],"data_offsets":[0,2])", 2),
       "expected an integer, found '.'"},
      {"exponent", with(R"("dtype":"U8","shape":[2e0],"data_offsets":[0,2])", 2),
       "expected an integer, found 'e'"},
      {"leading zero", with(R"("dtype":"U8","shape":[02],"data_offsets":[0,2])", 2), "without leading zero"},
      {"string dimension", with(R"("dtype":"U8","shape":["2"],"data_offsets":[0,2])", 2), "expected digits"},
      {"dimension 2^63", with(R"("dtype":"U8","shape":[9223372036854775808,0],"data_offsets":[0,0])", 0),
       "below 2^63"},
      {"dimension 2^64", with(R"("dtype":"U8","shape":[18446744073709551616],"data_offsets":[0,2])", 2),
       "below 2^64"},
      {"product wraps to 2",
       with(R"("dtype":"U8","shape":[4611686018427387905,2,2],"data_offsets":[0,4])", 4),
       "more than 2^64 bytes"},
      {"size times element wraps",
       with(R"("dtype":"F64","shape":[2305843009213693952],"data_offsets":[0,0])", 0),
       "more than 2^64 bytes"},
      {"33 dimensions",
       with(concat(
                R"("dtype":"U8","shape":[1)",
                [] {
                  std::string more;
                  for (int i = 0; i < 32; ++i) more += ",1";
                  return more;
                }(),
                R"(],"data_offsets":[0,1])"),
            1),
       "at most 32 dimensions"},
      {"fewer bytes than the shape", with(R"("dtype":"F32","shape":[2],"data_offsets":[0,7])", 7),
       "expected 8 bytes for F32[2], found 7"},
      {"more bytes than the shape", with(R"("dtype":"BF16","shape":[1,3],"data_offsets":[0,7])", 7),
       "expected 6 bytes for BF16[1,3], found 7"},
      {"scalar with two bytes", with(R"("dtype":"U8","shape":[],"data_offsets":[0,2])", 2),
       "expected 1 bytes for U8[]"},
      {"one offset", with(R"("dtype":"U8","shape":[2],"data_offsets":[0])", 2), "expected ','"},
      {"three offsets", with(R"("dtype":"U8","shape":[2],"data_offsets":[0,2,2])", 2), "expected ']'"},
      {"offsets the wrong way", with(R"("dtype":"U8","shape":[2],"data_offsets":[2,0])", 2),
       "an end of at least 2, found 0"},
      {"negative offset", with(R"("dtype":"U8","shape":[2],"data_offsets":[-2,0])", 2), "expected digits"},
      {"offset past the file",
       with(R"("dtype":"U8","shape":[2],"data_offsets":[9007199254740993,9007199254740995])", 2),
       "a hole up to byte 9007199254740993"},
      {"offsets near 2^64",
       with(R"("dtype":"U8","shape":[1],"data_offsets":[18446744073709551614,18446744073709551615])", 2),
       "a hole"},
      {"end of 2^63",
       with(R"("dtype":"U8","shape":[9223372036854775807],"data_offsets":[0,9223372036854775807])", 2),
       "data: expected 9223372036854775807 bytes, found 2"},
      {"data does not start at 0", with(R"("dtype":"U8","shape":[1],"data_offsets":[1,2])", 2),
       "a hole up to byte 1"},
      {"name too long",
       file_of("{\"" + std::string(4097, 'n') + R"(":{"dtype":"U8","shape":[],"data_offsets":[0,1]}})", 1),
       "expected a name of at most 4096 bytes"},
  };
}

std::vector<Broken> broken_sets() {
  const auto tensor = [](const char* name, int begin, int end) {
    return concat("\"", name, "\":{\"dtype\":\"U8\",\"shape\":[", end - begin, "],\"data_offsets\":[", begin,
                  ",", end, "]}");
  };
  const auto set = [&](std::vector<std::string> entries, size_t data) {
    std::string header;
    for (const std::string& entry : entries) header += (header.empty() ? "{" : ",") + entry;
    return file_of(header + "}", data);
  };
  return {
      {"name twice", set({tensor("a", 0, 2), tensor("a", 2, 4)}, 4), "tensor a: expected once, found twice"},
      {"name twice, far apart", set({tensor("a", 0, 2), tensor("b", 2, 4), tensor("a", 4, 6)}, 6),
       "found twice"},
      {"name twice, once escaped", set({tensor("a", 0, 2), tensor("\\u0061", 2, 4)}, 4),
       "tensor a: expected once"},
      {"same range twice", set({tensor("a", 0, 2), tensor("b", 0, 2)}, 2), "an overlap"},
      {"overlap", set({tensor("a", 0, 3), tensor("b", 2, 4)}, 4),
       "a tensor at byte 3 of the data, found an overlap"},
      {"hole", set({tensor("a", 0, 2), tensor("b", 3, 4)}, 4),
       "a tensor at byte 2 of the data, found a hole up to byte 3"},
      {"hole in a shuffled header", set({tensor("c", 5, 6), tensor("a", 0, 2), tensor("b", 2, 4)}, 6),
       "a hole up to byte 5"},
      {"overlap in a shuffled header", set({tensor("b", 1, 4), tensor("a", 0, 2)}, 4), "an overlap"},
      {"empty tensor inside another", set({tensor("a", 0, 4), tensor("b", 2, 2)}, 4), "an overlap"},
      {"only an empty tensor, behind stray data", set({tensor("a", 8, 8)}, 8),
       "data: expected 0 bytes, found 8"},
      {"empty tensor behind the end", set({tensor("a", 0, 4), tensor("b", 9, 9)}, 4), "a hole up to byte 9"},
  };
}

std::vector<Broken> all_broken() {
  std::vector<Broken> all;
  for (auto part : {broken_lengths(), broken_json(), broken_entries(), broken_sets()}) {
    for (Broken& row : part) all.push_back(std::move(row));
  }
  return all;
}

TEST(Safetensors, TheTableOfBrokenFilesIsLargeEnough) { EXPECT_GE(all_broken().size(), 60u); }

TEST(Safetensors, BrokenFilesAreRefusedFromMemory) {
  for (const Broken& row : all_broken()) {
    const Result<SafetensorsFile> file = SafetensorsFile::parse(as_bytes(row.file));
    ASSERT_FALSE(file.ok()) << row.what;
    EXPECT_EQ(file.status().code(), StatusCode::kCorrupt) << row.what;
    EXPECT_THAT(std::string(file.status().message()), HasSubstr(row.message)) << row.what;
  }
}

TEST(Safetensors, BrokenFilesAreRefusedThroughAMapping) {
  const std::string path = testing::TempDir() + "/broken.safetensors";
  for (const Broken& row : all_broken()) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << row.file;
    Result<File> opened = open_path(system_io(), path);
    ASSERT_TRUE(opened.ok()) << opened.status().message();
    Result<MappedFile> mapped = MappedFile::map(*opened, path);
    ASSERT_TRUE(mapped.ok()) << mapped.status().message();
    const Result<SafetensorsFile> file = SafetensorsFile::parse(mapped->bytes());
    ASSERT_FALSE(file.ok()) << row.what;
    EXPECT_THAT(std::string(file.status().message()), HasSubstr(row.message)) << row.what;
  }
}

// Every prefix of a good file is broken: nothing behind the end is ever read.
TEST(Safetensors, EveryTruncationOfAGoodFileIsRefused) {
  const std::string good = file_of(
      R"({"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},"\u00e9":{"dtype":"U8","shape":[3],"data_offsets":[8,11]}}  )",
      11);
  ASSERT_TRUE(SafetensorsFile::parse(as_bytes(good)).ok());
  for (size_t size = 0; size < good.size(); ++size) {
    const std::vector<std::byte> exact(as_bytes(good).begin(),
                                       as_bytes(good).begin() + static_cast<ptrdiff_t>(size));
    EXPECT_FALSE(SafetensorsFile::parse(exact).ok()) << size;
  }
}

TEST(Safetensors, GoodFilesShowNamesShapesAndBytes) {
  const std::string header =
      "{\"b\" : "
      "{\"shape\":[2,3],\"data_offsets\":[2,8],\"dtype\":\"I8\"},\n\t\"\\u00e9\\n\":{\"dtype\":\"U16\","
      "\"shape\":[],"
      "\"data_offsets\":[0,2]},\"none\":{\"dtype\":\"F32\",\"shape\":[0,5],\"data_offsets\":[8,8]},"
      "\"__metadata__\":{\"note\":\"\\\"q\\\" \xc3\xa9\",\"x\":\"\"}} ";
  std::string bytes = file_of(header, 0) +
                      "\x01\x02"
                      "abcdef";
  const Result<SafetensorsFile> file = SafetensorsFile::parse(as_bytes(bytes));
  ASSERT_TRUE(file.ok()) << file.status().message();
  ASSERT_EQ(file->tensors().size(), 3u);
  const StoredTensor* b = file->find("b");
  ASSERT_NE(b, nullptr);
  EXPECT_EQ(b->dtype, Dtype::kI8);
  EXPECT_EQ(std::vector<int64_t>(b->shape.begin(), b->shape.end()), (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(b->bytes.data()), b->bytes.size()), "abcdef");
  const StoredTensor* escaped = file->find("\xc3\xa9\n");
  ASSERT_NE(escaped, nullptr);
  EXPECT_TRUE(escaped->shape.empty());
  EXPECT_EQ(escaped->bytes.size(), 2u);
  EXPECT_TRUE(file->find("none")->bytes.empty());
  EXPECT_EQ(file->find("c"), nullptr);
  EXPECT_EQ(file->header_bytes(), 8 + header.size());
}

TEST(Safetensors, EveryDtypeReadsBackAsWritten) {
  std::string data(64, '\7');
  const std::vector<int64_t> shape = {3, 1};
  std::vector<StoredTensor> tensors;
  std::vector<std::string> names;
  names.reserve(kDtypeCount);
  for (int i = 0; i < kDtypeCount; ++i) {
    const auto dtype = static_cast<Dtype>(i);
    names.push_back(concat("t\"", i, "\n"));
    tensors.push_back(
        {names.back(), dtype, shape, as_bytes(data).first(static_cast<size_t>(3 * dtype_bytes(dtype)))});
    EXPECT_EQ(dtype_from_name(dtype_name(dtype)), dtype);
  }
  const std::string bytes = safetensors_bytes(tensors);
  const Result<SafetensorsFile> file = SafetensorsFile::parse(as_bytes(bytes));
  ASSERT_TRUE(file.ok()) << file.status().message();
  EXPECT_EQ(file->header_bytes() % 64, 0u);
  ASSERT_EQ(file->tensors().size(), tensors.size());
  for (size_t i = 0; i < tensors.size(); ++i) {
    EXPECT_EQ(file->tensors()[i].name, names[i]);
    EXPECT_EQ(file->tensors()[i].dtype, tensors[i].dtype);
    EXPECT_EQ(file->tensors()[i].bytes.size(), tensors[i].bytes.size());
  }
}

TEST(Safetensors, MovingTheFileKeepsItsViews) {
  const std::string bytes = file_of(R"({"\u0061":{"dtype":"U8","shape":[1,1],"data_offsets":[0,1]}})", 1);
  Result<SafetensorsFile> file = SafetensorsFile::parse(as_bytes(bytes));
  const SafetensorsFile moved = std::move(file).value();
  EXPECT_EQ(moved.tensors()[0].name, "a");
  EXPECT_EQ(moved.tensors()[0].shape.size(), 2u);
}

// A header of `tensors` one-byte tensors, each entry padded to about `entry_bytes`.
std::string wide_file(size_t tensors, size_t entry_bytes) {
  std::string header = "{";
  for (size_t i = 0; i < tensors; ++i) {
    if (i > 0) header += ',';
    const size_t start = header.size();
    header += concat("\"layers.", i, ".ffn.experts.w1.weight");
    std::string tail = concat("\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[", i, ",", i + 1, "]}");
    const size_t used = header.size() - start + tail.size();
    if (used < entry_bytes) header.append(entry_bytes - used, 'x');
    header += tail;
  }
  return file_of(header + "}", tensors);
}

double parse_seconds(const std::string& file) {
  const auto start = std::chrono::steady_clock::now();
  const Result<SafetensorsFile> parsed = SafetensorsFile::parse(as_bytes(file));
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
  EXPECT_TRUE(parsed.ok()) << parsed.status().message();
  return spent.count();
}

// F-6 asks for 150 ms; the bound here is four times that, because test machines are shared and sanitizers
// slow.
TEST(Safetensors, TimeOfAHeaderOfSixtyThousandTensors) {
  const double seconds = parse_seconds(wide_file(60'000, 110));
  RecordProperty("milliseconds", static_cast<int>(seconds * 1000));
  std::printf("60,000 tensors: %.1f ms\n", seconds * 1000);
  EXPECT_LT(seconds, 0.6);
}

// F-6 asks for 1 s; the cap of a million tensors and nearly the cap of 100 MB at once.
TEST(Safetensors, TimeOfAHeaderAtBothCaps) {
  const std::string file = wide_file(1'000'000, 98);
  EXPECT_GT(file.size(), 98'000'000u);
  const double seconds = parse_seconds(file);
  std::printf("1,000,000 tensors, %.1f MB: %.0f ms\n", static_cast<double>(file.size()) / 1e6,
              seconds * 1000);
  EXPECT_LT(seconds, 4.0);
}

TEST(Safetensors, OneTensorMoreThanTheCapIsRefused) {
  const std::string file = wide_file(1'000'001, 0);
  const Status status = SafetensorsFile::parse(as_bytes(file)).status();
  EXPECT_EQ(status.code(), StatusCode::kCorrupt);
  EXPECT_THAT(std::string(status.message()), HasSubstr("at most 1000000 tensors"));
}

}  // namespace
}  // namespace fathom
