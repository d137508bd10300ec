// Messages of device-mapper and the table of dm-verity as bytes. The kernel's own opinion: test/in-guest/block.test.ts.
#include "block/verity.h"

#include <cstring>

#include "sys/device_mapper_calls.h"
#include "test/tap.h"

namespace {

using namespace talos::block;
using talos::test::check;
using talos::test::check_equal;

VerityTable good_table() {
  VerityTable table;
  table.data_device = "/dev/vda";
  table.hash_device = "/dev/vdb";
  table.data_blocks = 256;
  table.hash_start_block = 1;
  table.root_digest = "ab12";
  return table;
}

void makes_tables() {
  VerityTable table = good_table();
  auto target = verity_target(table);
  check(target.ok());
  check_equal(target.value().parameters, "1 /dev/vda /dev/vdb 4096 4096 256 1 sha256 ab12 -");
  check_equal(target.value().sectors, 2048u);
  table.salt = "00ff";
  table.on_corruption = VerityTable::OnCorruption::kRestart;
  table.ignores_zero_blocks = true;
  check_equal(verity_target(table).value().parameters,
              "1 /dev/vda /dev/vdb 4096 4096 256 1 sha256 ab12 00ff 2 restart_on_corruption ignore_zero_blocks");
}

template <typename Change>
void refuses(Change change, std::string_view words) {
  VerityTable table = good_table();
  change(table);
  auto target = verity_target(table);
  check(!target && target.error().errno_value == EINVAL && target.error().detail.find(words) != std::string::npos, words);
}

void refuses_what_would_be_another_table() {
  refuses([](VerityTable& t) { t.data_device = "/dev/a b"; }, "data device");
  refuses([](VerityTable& t) { t.hash_device = ""; }, "hash device");
  refuses([](VerityTable& t) { t.algorithm = "sha256\n"; }, "algorithm");
  refuses([](VerityTable& t) { t.data_block_bytes = 1000; }, "data blocks of 1000");
  refuses([](VerityTable& t) { t.hash_block_bytes = 131072; }, "hash blocks of 131072");
  refuses([](VerityTable& t) { t.root_digest = "AB"; }, "root digest");
  refuses([](VerityTable& t) { t.root_digest = "abc"; }, "root digest");
  refuses([](VerityTable& t) { t.salt = "-"; }, "salt");
  refuses([](VerityTable& t) { t.data_blocks = 0; }, "0 data blocks");
  refuses([](VerityTable& t) { t.data_blocks = UINT64_MAX; }, "data blocks");
}

void requests_have_their_form() {
  auto target = verity_target(good_table()).value();
  auto buffer = encode_dm_request("root", "VERITY-1", 1, {target, target}, 100);
  check(buffer.ok());
  dm_ioctl head;
  std::memcpy(&head, buffer.value().data(), sizeof head);
  check_equal(head.version[0], 4u);
  check_equal(head.data_size, buffer.value().size());
  check_equal(head.target_count, 2u);
  check_equal(std::string(head.name), "root");
  dm_target_spec spec;
  std::memcpy(&spec, buffer.value().data() + sizeof head, sizeof spec);
  check_equal(spec.next % 8, 0u);
  check_equal(std::string(spec.target_type), "verity");
  for (auto name : {std::string(), std::string(128, 'x'), std::string("a/b"), std::string("a\0b", 3)}) {
    check(!encode_dm_request(name, "", 0, {}, 0).ok(), "a bad name");
  }
  check(encode_dm_request(std::string(127, 'x'), std::string(128, 'u'), 0, {}, 0).ok());
  check(!encode_dm_request("x", std::string(129, 'u'), 0, {}, 0).ok());
  target.parameters.resize(17'000, 'x');
  check(!encode_dm_request("x", "", 0, {target}, 0).ok());
}

// An answer with two targets, as the kernel lays it out: `next` counts from the start of the data.
std::vector<uint8_t> reply() {
  auto buffer = encode_dm_request("root", "", 1, {{0, 8, "verity", "V"}, {8, 16, "linear", "/dev/x 0"}}, 0).value();
  dm_target_spec spec;
  std::memcpy(&spec, buffer.data() + sizeof(dm_ioctl), sizeof spec);
  size_t second = sizeof(dm_ioctl) + spec.next;
  std::memcpy(&spec, buffer.data() + second, sizeof spec);
  spec.next = static_cast<uint32_t>(buffer.size() - sizeof(dm_ioctl));
  std::memcpy(buffer.data() + second, &spec, sizeof spec);
  put_le(buffer, offsetof(dm_ioctl, dev), 254u << 8 | 3 | 1u << 20, 8);
  return buffer;
}

std::string fault_of(size_t at, uint64_t value) {
  auto buffer = reply();
  put_le(buffer, at, value, 4);
  auto decoded = decode_dm_reply(buffer, true);
  return decoded.ok() ? "" : decoded.error().detail;
}

void answers_are_checked() {
  auto decoded = decode_dm_reply(reply(), true);
  check(decoded.ok());
  check_equal(decoded.value().targets.size(), 2u);
  check_equal(decoded.value().targets[1].parameters, "/dev/x 0");
  check_equal(decoded.value().major, 254u);
  check_equal(decoded.value().minor, 259u);
  check_equal(fault_of(0, 5), "version 5 at byte 0");
  check_equal(fault_of(offsetof(dm_ioctl, data_start), 100'000),
              "data from 100000 of " + std::to_string(reply().size()) + " at byte 16");
  check_equal(fault_of(offsetof(dm_ioctl, data_start), 1), "data from 1 of " + std::to_string(reply().size()) + " at byte 16");
  check_equal(fault_of(offsetof(dm_ioctl, target_count), 0xffffffff), "4294967295 targets at byte 20");
  check(fault_of(offsetof(dm_ioctl, target_count), 3).starts_with("a target cut off"), "more targets than there are");
  size_t next = sizeof(dm_ioctl) + offsetof(dm_target_spec, next);
  check(fault_of(next, 0).starts_with("the next target said to be at 312"), "no way back");
  check(fault_of(next, 0xffffffff).starts_with("the next target said to be at"));
  check(fault_of(next, sizeof(dm_target_spec)).starts_with("parameters without an end"));
  check_equal(decode_dm_reply(Bytes(reply()).first(311), true).error().detail, "an answer cut off at byte 311");
  auto full = reply();
  put_le(full, offsetof(dm_ioctl, flags), DM_BUFFER_FULL_FLAG, 4);
  check(decode_dm_reply(full, true).value().is_full);
}

}  // namespace

int main() {
  makes_tables();
  refuses_what_would_be_another_table();
  requests_have_their_form();
  answers_are_checked();
  auto bytes = reply();
  talos::test::survive_damage({reinterpret_cast<char*>(bytes.data()), bytes.size()}, [](std::string_view text) {
    (void)decode_dm_reply({reinterpret_cast<const uint8_t*>(text.data()), text.size()}, true).ok();
  });
  return talos::test::finish();
}
