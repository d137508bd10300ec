#include "kmsg/reader.h"
#include "kmsg/record.h"
#include "test/tap.h"

namespace {

using talos::kmsg::Batch;
using talos::kmsg::BatchBuilder;
using talos::kmsg::format_records;
using talos::kmsg::parse_record;
using talos::kmsg::RecordHeader;
using talos::kmsg::RecordTexts;
using talos::test::check;
using talos::test::check_equal;

constexpr const char* kRecord =
    "30,339,5140900,-,caller=T1;NET: \\x5cregistered\\x0afamily\n SUBSYSTEM=acpi\n DEVICE=+acpi:PNP0A03:00\n";

std::string decode(std::string_view text) {
  std::string out = "kept\n";
  talos::kmsg::append_decoded(text, out);
  return out.substr(5);
}

void parses_a_record() {
  RecordHeader header;
  RecordTexts texts;
  check(parse_record(kRecord, header, texts));
  check_equal(header.facility, 3u);
  check_equal(header.level, 6u);
  check_equal(header.sequence, 339u);
  check_equal(header.timestamp_us, 5140900u);
  check(!header.is_fragment);
  check_equal(texts.message, "NET: \\x5cregistered\\x0afamily");
  check_equal(texts.subsystem, "acpi");
  check_equal(texts.device, "+acpi:PNP0A03:00");
  check(parse_record("6,0,0,-;", header, texts) && texts.message.empty() && texts.device.empty());
  for (const char* flags : {"c", "+", "c,caller=C1"}) {
    check(parse_record("6,0,0," + std::string(flags) + ";m", header, texts) && header.is_fragment, flags);
  }
  check(parse_record("6,0,0,-,caller=c+;m", header, texts) && !header.is_fragment, "a field behind the flags is none");
  check(parse_record("6,0,0,-;m DEVICE=x\n OTHER=y\nDEVICE=z\n SUBSYSTEM=", header, texts));
  check(texts.message == "m DEVICE=x" && texts.device.empty() && texts.subsystem.empty(), "only lines that begin with a blank");
  for (const char* bad :
       {"", "6", "6,1", "6,1,2", "6,1,2,-", "x,1,2,-;m", "6,,2,-;m", "-6,1,2,-;m", "99999999999999999999,1,2,-;m"}) {
    check(!parse_record(bad, header, texts), bad);
  }
}

void decodes_escapes() {
  check_equal(decode("a\\x20b"), "a b");
  check_equal(decode("\\x5cx41"), "\\x41", "what comes out of an escape is not decoded again");
  check_equal(decode("caf\\xc3\\xa9"), "caf\xc3\xa9");
  check_equal(decode("\\x4"), "\\x4");
  check_equal(decode("\\xzz\\"), "\\xzz\\");
  check_equal(decode("line\\x0a\\x0a"), "line", "no newline at the end");
  check_equal(decode("\\x0a"), "", "and no more than its own is taken off");
}

void counts_gaps() {
  BatchBuilder builder;
  Batch batch;
  builder.add("6,100,1,-;first", batch);
  builder.add("6,101,1,-;second", batch);
  check_equal(batch.missed, 0u);
  builder.note_overwritten();
  builder.add("6,150,1,-;after", batch);
  check_equal(batch.missed, 48u);
  check_equal(batch.entries.size(), 3u);
  check_equal(batch.text, "firstsecondafter");
  check_equal(batch.entries[1].message_end, 11u);
  Batch next;
  builder.add("6,152,1,-;later", next);
  check_equal(next.missed, 1u, "a gap is counted even if the kernel did not tell");
}

void tells_devices_apart_from_text() {
  BatchBuilder builder;
  Batch batch;
  builder.add(kRecord, batch);
  builder.add("6,340,1,c;more\\x0a SUBSYSTEM=forged\n", batch);
  check_equal(batch.text, "NET: \\registered\nfamilyacpi+acpi:PNP0A03:00more\n SUBSYSTEM=forged");
  const auto& [first, second] = std::pair(batch.entries[0], batch.entries[1]);
  check_equal(batch.text.substr(first.message_end, first.subsystem_end - first.message_end), "acpi");
  check_equal(batch.text.substr(first.subsystem_end, first.device_end - first.subsystem_end), "+acpi:PNP0A03:00");
  check(second.header.is_fragment && second.message_end == second.device_end, "an escaped newline forges no device");
}

void counts_an_unknown_gap_once() {
  BatchBuilder builder;
  Batch batch;
  builder.note_overwritten();
  builder.add("6,700,1,-;first", batch);
  builder.add("6,701,1,-;second", batch);
  check_equal(batch.missed, 1u);
}

void passes_on_what_is_no_record() {
  BatchBuilder builder;
  Batch batch;
  builder.add("6,7,1,-;good", batch);
  builder.add("garbage", batch);
  check_equal(batch.entries.size(), 2u);
  check_equal(batch.entries[1].header.sequence, 8u);
  check_equal(batch.text, "goodgarbage");
}

void writes_one_record_a_line() {
  auto records = format_records(4, "one\n\ntwo\n");
  check_equal(records.size(), 2u);
  check_equal(records[0], "<28>one\n", "facility daemon");
  check_equal(records[1], "<28>two\n");
  check(format_records(6, "").empty());
  check(format_records(6, "\n\n").empty());
}

void lets_nobody_forge_records() {
  check_equal(format_records(6, "<0>boom")[0], "<30><0>boom\n", "the kernel takes the first prefix only");
  check_equal(format_records(6, "x\n<0>boom")[1], "<30><0>boom\n");
  check_equal(format_records(6, "a\rb\x1b[2J")[0], "<30>a\\x0db\\x1b[2J\n");
  check_equal(format_records(6, std::string_view("nul\0end", 7))[0], "<30>nul\\x00end\n", "the kernel would stop at it");
  check_equal(format_records(6, "csi \xc2\x9b 31m")[0], "<30>csi \\xc2\\x9b 31m\n");
  check_equal(format_records(6, "tab\tand caf\xc3\xa9")[0], "<30>tab\tand caf\xc3\xa9\n");
}

void splits_long_lines() {
  std::string text;
  for (int i = 0; i < 2000; i++) text += "\xe2\x82\xac";
  auto records = format_records(6, text);
  std::string joined;
  for (const std::string& record : records) {
    check(record.size() <= 960, "below the kernel's limit");
    check(record.starts_with("<30>") && record.ends_with("\n"));
    joined += record.substr(4, record.size() - 5);
  }
  check(joined == text, "nothing is lost, no character is cut");
  check(records[0].size() < 500, "readers get at most 2048 bytes, with four for each of these");
  check_equal(format_records(6, std::string(900, 'x')).size(), 1u);
  check_equal(format_records(6, std::string(10, '\x01'))[0].size(), 4u + 40 + 1);
}

void bounds_one_call() {
  std::string text;
  for (int i = 0; i < 1000; i++) text += "a line\n";
  auto records = format_records(6, text);
  check_equal(records.size(), talos::kmsg::kMaxRecordsPerWrite);
  check_equal(records.back(), "<30>[" + std::to_string((1000 - 63) * 6) + " more bytes left out]\n");
}

}  // namespace

int main() {
  parses_a_record();
  decodes_escapes();
  counts_gaps();
  tells_devices_apart_from_text();
  counts_an_unknown_gap_once();
  passes_on_what_is_no_record();
  writes_one_record_a_line();
  lets_nobody_forge_records();
  splits_long_lines();
  bounds_one_call();
  talos::test::survive_damage(kRecord, [](std::string_view text) {
    BatchBuilder builder;
    Batch batch;
    builder.add(text, batch);
    (void)format_records(6, text);
  });
  return talos::test::finish();
}
