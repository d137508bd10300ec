// FilesModule of the contract, in the raw shape of lib/native/files.ts: the timeout comes last in every call.
#include "files/files.h"

#include <napi.h>

#include <algorithm>

#include "bind/deadline.h"
#include "bind/fd.h"
#include "bind/modules.h"
#include "bind/strings.h"
#include "bind/takes.h"

namespace talos::bind {

namespace {

// A string, or the bytes of a name that is no text.
std::string to_path(const Napi::Value& value) {
  if (!value.IsTypedArray()) return to_string(value);
  auto bytes = value.As<Napi::Uint8Array>();
  return std::string(reinterpret_cast<const char*>(bytes.Data()), bytes.ByteLength());
}

uint32_t to_number(const Napi::Value& value) { return value.As<Napi::Number>().Uint32Value(); }

Error about(const char* call, std::string path, std::string dest = {}) {
  return Error{0, call, std::move(path), std::move(dest), "the file system did not answer"};
}

Napi::Value wrap_file(Napi::Env env, UniqueFd fd) { return FileDescriptor::create(env, std::move(fd)); }
Napi::Value to_buffer(Napi::Env env, const std::string& bytes) {
  return Napi::Buffer<char>::Copy(env, bytes.data(), bytes.size());
}

// kind, mode, uid, gid, links, size, modifiedMs; and what tells files apart, since 64 bits do not fit into a number.
Napi::Value to_status(Napi::Env env, const files::Status& status) {
  auto array = Napi::Array::New(env, 8);
  uint32_t at = 0;
  for (double number : {static_cast<double>(status.kind), static_cast<double>(status.mode), static_cast<double>(status.uid),
                        static_cast<double>(status.gid), static_cast<double>(status.links), static_cast<double>(status.size),
                        status.modified_ms}) {
    array.Set(at++, number);
  }
  array.Set(at, std::to_string(status.device) + ":" + std::to_string(status.inode));
  return array;
}

// [names one behind the other, each with a NUL; one byte an entry, its kind]
Napi::Value to_entries(Napi::Env env, const std::vector<files::Entry>& entries) {
  std::string names;
  std::string kinds;
  for (const files::Entry& entry : entries) {
    names.append(entry.name).push_back('\0');
    kinds.push_back(static_cast<char>(entry.kind));
  }
  auto pair = Napi::Array::New(env, 2);
  pair.Set(uint32_t{0}, to_buffer(env, names));
  pair.Set(uint32_t{1}, to_buffer(env, kinds));
  return pair;
}

// (path, timeout)
Napi::Value open_root(const Napi::CallbackInfo& info) {
  if (!takes(info, "s")) return {};
  std::string path = to_string(info[0]);
  return run_with_deadline<UniqueFd>(
      info[1], about("open", path), [path] { return files::open_root(path); }, wrap_file);
}

// Every call from here on has (root, path, …, timeout). Shares the root with the thread; an empty one leaves an exception
// pending.
#define TALOS_ROOT(root, types)                  \
  if (!takes(info, types)) return {};            \
  UniqueFd root = share_fd(info.Env(), info[0]); \
  if (!root) return info.Env().Undefined()

Napi::Value open_folder(const Napi::CallbackInfo& info) {
  TALOS_ROOT(root, "Dp");
  std::string path = to_path(info[1]);
  auto work = [root = std::move(root), path] { return files::open_folder(root.get(), path); };
  return run_with_deadline<UniqueFd>(info[2], about("openat2", path), std::move(work), wrap_file);
}

// (root, path, access, creation, truncate, mode, timeout)
Napi::Value open_file(const Napi::CallbackInfo& info) {
  TALOS_ROOT(root, "Dpnnbn");
  files::OpenRequest request{.path = to_path(info[1]),
                             .access = static_cast<files::Access>(to_number(info[2])),
                             .creation = static_cast<files::Creation>(to_number(info[3])),
                             .truncate = info[4].As<Napi::Boolean>().Value(),
                             .mode = to_number(info[5])};
  auto limit = about("openat2", request.path);
  auto work = [root = std::move(root), request = std::move(request)] { return files::open_file(root.get(), request); };
  return run_with_deadline<UniqueFd>(info[6], std::move(limit), std::move(work), wrap_file);
}

Napi::Value status(const Napi::CallbackInfo& info) {
  TALOS_ROOT(root, "Ds");
  std::string path = to_string(info[1]);
  auto work = [root = std::move(root), path] { return files::status(root.get(), path); };
  return run_with_deadline<files::Status>(info[2], about("fstat", path), std::move(work), to_status);
}

// (file, timeout)
Napi::Value status_of(const Napi::CallbackInfo& info) {
  TALOS_ROOT(file, "D");
  auto work = [file = std::move(file)] { return files::status_of(file.get()); };
  return run_with_deadline<files::Status>(info[1], about("fstat", ""), std::move(work), to_status);
}

// (root, path, maxEntries, timeout)
Napi::Value read_folder(const Napi::CallbackInfo& info) {
  TALOS_ROOT(root, "Dsn");
  std::string path = to_string(info[1]);
  auto work = [root = std::move(root), path, most = to_number(info[2])] { return files::read_folder(root.get(), path, most); };
  return run_with_deadline<std::vector<files::Entry>>(info[3], about("getdents64", path), std::move(work), to_entries);
}

// (root, path, maxEntries, timeout): each name with a NUL behind it
Napi::Value list_names(const Napi::CallbackInfo& info) {
  TALOS_ROOT(root, "Dpn");
  std::string path = to_path(info[1]);
  auto work = [root = std::move(root), path, most = to_number(info[2])] { return files::list_names(root.get(), path, most); };
  return run_with_deadline<std::vector<std::string>>(info[3], about("getdents64", path), std::move(work),
                                                     [](Napi::Env env, const std::vector<std::string>& names) {
                                                       std::string all;
                                                       for (const std::string& name : names) all.append(name).push_back('\0');
                                                       return to_buffer(env, all);
                                                     });
}

// [eight doubles an entry: errno, kind, mode, uid, gid, links, size, modifiedMs; device and inode as 64 bits each;
// targets, each with a NUL behind it]
Napi::Value to_looks(Napi::Env env, const std::vector<files::Look>& looks) {
  std::string records;
  std::string targets;
  auto add = [&records](const auto& number) { records.append(reinterpret_cast<const char*>(&number), sizeof number); };
  for (const files::Look& look : looks) {
    const files::Status& status = look.status;
    for (double number : {static_cast<double>(look.errno_value), static_cast<double>(status.kind),
                          static_cast<double>(status.mode), static_cast<double>(status.uid), static_cast<double>(status.gid),
                          static_cast<double>(status.links), static_cast<double>(status.size), status.modified_ms}) {
      add(number);
    }
    add(status.device);
    add(status.inode);
    targets.append(look.target).push_back('\0');
  }
  auto pair = Napi::Array::New(env, 2);
  pair.Set(uint32_t{0}, to_buffer(env, records));
  pair.Set(uint32_t{1}, to_buffer(env, targets));
  return pair;
}

// (root, path, names, timeout)
Napi::Value look_at(const Napi::CallbackInfo& info) {
  TALOS_ROOT(root, "Dpu");
  std::string path = to_path(info[1]);
  std::vector<std::string> names;
  std::string all = to_path(info[2]);
  for (size_t start = 0; start < all.size();) {
    size_t end = std::min(all.find('\0', start), all.size());
    names.push_back(all.substr(start, end - start));
    start = end + 1;
  }
  auto work = [root = std::move(root), path, names = std::move(names)] { return files::look_at(root.get(), path, names); };
  return run_with_deadline<std::vector<files::Look>>(info[3], about("fstatat", path), std::move(work), to_looks);
}

// (root, path, maxBytes, timeout): [name, value, name, value …]
Napi::Value attributes(const Napi::CallbackInfo& info) {
  TALOS_ROOT(root, "Dpn");
  std::string path = to_path(info[1]);
  auto work = [root = std::move(root), path, most = to_number(info[2])] { return files::attributes(root.get(), path, most); };
  return run_with_deadline<std::vector<files::Attribute>>(info[3], about("listxattr", path), std::move(work),
                                                          [](Napi::Env env, const std::vector<files::Attribute>& found) {
                                                            auto array = Napi::Array::New(env, 2 * found.size());
                                                            uint32_t at = 0;
                                                            for (const files::Attribute& each : found) {
                                                              array.Set(at++, Napi::String::New(env, each.name));
                                                              array.Set(at++, to_buffer(env, each.value));
                                                            }
                                                            return array;
                                                          });
}

Napi::Value read_link(const Napi::CallbackInfo& info) {
  TALOS_ROOT(root, "Ds");
  std::string path = to_string(info[1]);
  auto work = [root = std::move(root), path] { return files::read_link(root.get(), path); };
  return run_with_deadline<std::string>(info[2], about("readlink", path), std::move(work),
                                        [](Napi::Env env, const std::string& target) { return Napi::String::New(env, target); });
}

// (root, path, mode, timeout)
Napi::Value make_folder(const Napi::CallbackInfo& info) {
  TALOS_ROOT(root, "Dsn");
  std::string path = to_string(info[1]);
  auto work = [root = std::move(root), path, mode = to_number(info[2])] { return files::make_folder(root.get(), path, mode); };
  return run_with_deadline<bool>(info[3], about("mkdir", path), std::move(work),
                                 [](Napi::Env env, bool made) { return Napi::Boolean::New(env, made); });
}

// (root, path, isFolder, timeout)
Napi::Value remove_entry(const Napi::CallbackInfo& info) {
  TALOS_ROOT(root, "Dsb");
  std::string path = to_string(info[1]);
  bool is_folder = info[2].As<Napi::Boolean>().Value();
  auto work = [root = std::move(root), path, is_folder] { return files::remove(root.get(), path, is_folder); };
  return run_with_deadline_void(info[3], about(is_folder ? "rmdir" : "unlink", path), std::move(work));
}

// (root, from, to, replace, timeout)
Napi::Value rename(const Napi::CallbackInfo& info) {
  TALOS_ROOT(root, "Dssb");
  std::string from = to_string(info[1]);
  std::string to = to_string(info[2]);
  auto limit = about("renameat2", from, to);
  auto work = [root = std::move(root), from, to, replace = info[3].As<Napi::Boolean>().Value()] {
    return files::rename(root.get(), from, to, replace);
  };
  return run_with_deadline_void(info[4], std::move(limit), std::move(work));
}

// (root, path, maxBytes, timeout)
Napi::Value read_file(const Napi::CallbackInfo& info) {
  TALOS_ROOT(root, "Dsn");
  std::string path = to_string(info[1]);
  auto work = [root = std::move(root), path, most = to_number(info[2])] { return files::read_file(root.get(), path, most); };
  return run_with_deadline<std::string>(info[3], about("pread", path), std::move(work), to_buffer);
}

// (root, path, data, mode, timeout)
Napi::Value replace_file(const Napi::CallbackInfo& info) {
  TALOS_ROOT(root, "Dsun");
  std::string path = to_string(info[1]);
  // A copy: JavaScript may change its bytes while they are written.
  auto bytes = info[2].As<Napi::Uint8Array>();
  std::string data(reinterpret_cast<const char*>(bytes.Data()), bytes.ByteLength());
  auto work = [root = std::move(root), path, data = std::move(data), mode = to_number(info[3])] {
    return files::replace_file(root.get(), path, data, mode);
  };
  return run_with_deadline_void(info[4], about("write", path), std::move(work));
}

// (file, position, maxBytes, timeout)
Napi::Value read_piece(const Napi::CallbackInfo& info) {
  TALOS_ROOT(file, "Dnn");
  auto position = static_cast<uint64_t>(info[1].As<Napi::Number>().Int64Value());
  auto work = [file = std::move(file), position, most = to_number(info[2])] {
    return files::read_piece(file.get(), position, most);
  };
  return run_with_deadline<std::string>(info[3], about("pread", ""), std::move(work), to_buffer);
}

#undef TALOS_ROOT

}  // namespace

void init_files(Napi::Env env, Napi::Object exports) {
  Napi::Object module = Napi::Object::New(env);
  module.Set("openRoot", Napi::Function::New<open_root>(env, "openRoot"));
  module.Set("openFolder", Napi::Function::New<open_folder>(env, "openFolder"));
  module.Set("openFile", Napi::Function::New<open_file>(env, "openFile"));
  module.Set("stat", Napi::Function::New<status>(env, "stat"));
  module.Set("statFile", Napi::Function::New<status_of>(env, "statFile"));
  module.Set("readDirectory", Napi::Function::New<read_folder>(env, "readDirectory"));
  module.Set("listNames", Napi::Function::New<list_names>(env, "listNames"));
  module.Set("lookAt", Napi::Function::New<look_at>(env, "lookAt"));
  module.Set("attributes", Napi::Function::New<attributes>(env, "attributes"));
  module.Set("readLink", Napi::Function::New<read_link>(env, "readLink"));
  module.Set("makeDirectory", Napi::Function::New<make_folder>(env, "makeDirectory"));
  module.Set("remove", Napi::Function::New<remove_entry>(env, "remove"));
  module.Set("rename", Napi::Function::New<rename>(env, "rename"));
  module.Set("readFile", Napi::Function::New<read_file>(env, "readFile"));
  module.Set("replaceFile", Napi::Function::New<replace_file>(env, "replaceFile"));
  module.Set("read", Napi::Function::New<read_piece>(env, "read"));
  exports.Set("files", module);
}

}  // namespace talos::bind
