// Records of /dev/kmsg as they are read, and text of services on its way to it: neither may pass for something else.
#include "fuzz/input.h"
#include "kmsg/reader.h"

namespace {

using talos::fuzz::require;

void read_back(std::string_view records) {
  talos::kmsg::BatchBuilder builder;
  talos::kmsg::Batch batch;
  size_t count = 0;
  while (!records.empty()) {
    size_t end = std::min(records.find('\0'), records.size());
    builder.add(records.substr(0, end), batch);
    count++;
    if (end % 3 == 2) builder.note_overwritten();
    records.remove_prefix(std::min(end + 1, records.size()));
  }
  require(batch.entries.size() == count, "nothing is dropped");
  size_t before = 0;
  for (const auto& entry : batch.entries) {
    for (size_t end : {entry.message_end, entry.subsystem_end, entry.device_end}) {
      require(end >= before && end <= batch.text.size(), "texts lie one behind the other");
      before = end;
    }
  }
}

void write_out(std::string_view text) {
  auto records = talos::kmsg::format_records(6, text);
  require(records.size() <= talos::kmsg::kMaxRecordsPerWrite, "not more records than the bound");
  for (const std::string& record : records) {
    require(record.size() <= 976, "no longer than any kernel takes");
    require(record.starts_with("<30>") && record.back() == '\n', "a prefix of ours and a newline");
    for (char c : std::string_view(record).substr(4, record.size() - 5)) {
      auto byte = static_cast<unsigned char>(c);
      require((byte >= 0x20 || c == '\t') && byte != 0x7f, "no control character, and no second record");
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text = talos::fuzz::text_of(data, size);
  read_back(text);
  write_out(text);
  return 0;
}
