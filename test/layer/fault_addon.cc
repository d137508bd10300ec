// The test image's `talos.node`: the real addon, unchanged, plus a way to make PID 1 fail on demand.
//
// The layer puts the real addon beside this one as talos.real.node; this one loads it and hands out its exports, so the shipped
// executable, its bundle and the addon are the same bytes as in the shipped image. Only in PID 1 a thread listens for one word:
//   abort   abort(), as a bug in native code would
//   heap    JavaScript allocates until V8 gives up, which no JavaScript can catch
//   throw   an exception that nobody catches
//   block   JavaScript that never comes to an end
//   reject  a promise rejection that nobody handles
//   kill-osd, kill-trustd, kill-…   SIGKILL to the service of that name, in a container or not
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <node_api.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "fault.h"

namespace {

constexpr const char* kRealAddon = "/usr/lib/talos/talos.real.node";

// Runs on the JavaScript thread; `data` is the script, a string literal.
void run_script(napi_env env, napi_value, void*, void* data) {
  if (env == nullptr) return;
  napi_value script = nullptr;
  napi_value result = nullptr;
  if (napi_create_string_utf8(env, static_cast<const char*>(data), NAPI_AUTO_LENGTH, &script) != napi_ok) return;
  napi_run_script(env, script, &result);
}

const char* script_for(const std::string& word) {
  if (word == "heap")
    return "{ const kept = []; setImmediate(() => { for (;;) kept.push(new Array(1e6).fill(kept.length + 0.5)); }); }";
  if (word == "block") return "setImmediate(() => { for (;;); })";
  if (word == "throw") return "setImmediate(() => { throw new Error('injected fault: nobody catches this'); })";
  if (word == "reject") return "Promise.reject(new Error('injected fault: nobody handles this'))";
  return nullptr;
}

std::string first_argument(const char* pid) {
  std::string path = std::string("/proc/") + pid + "/cmdline";
  char text[256] = {};
  int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return {};
  ssize_t got = read(file, text, sizeof text - 1);
  close(file);
  std::string name = got > 0 ? text : "";
  return name.substr(name.rfind('/') + 1);
}

void kill_process(const std::string& name) {
  DIR* proc = opendir("/proc");
  if (proc == nullptr) return;
  while (dirent* entry = readdir(proc)) {
    if (entry->d_name[0] < '0' || entry->d_name[0] > '9') continue;
    if (first_argument(entry->d_name) == name) kill(static_cast<pid_t>(strtol(entry->d_name, nullptr, 10)), SIGKILL);
  }
  closedir(proc);
}

void listen_for_faults(napi_threadsafe_function on_script) {
  int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  socklen_t length = fault_address(address);
  if (listener < 0 || bind(listener, reinterpret_cast<sockaddr*>(&address), length) != 0 || listen(listener, 4) != 0) {
    perror("fault injector: listen");
    return;
  }
  for (;;) {
    int connection = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) continue;
    char text[32] = {};
    ssize_t got = recv(connection, text, sizeof text - 1, 0);
    close(connection);
    std::string word(text, got > 0 ? static_cast<size_t>(got) : 0);
    if (word == "abort") abort();
    if (word.starts_with("kill-")) kill_process(word.substr(5));
    if (const char* script = script_for(word))
      napi_call_threadsafe_function(on_script, const_cast<char*>(script), napi_tsfn_nonblocking);
  }
}

void start_injector(napi_env env) {
  napi_value name = nullptr;
  napi_threadsafe_function on_script = nullptr;
  if (napi_create_string_utf8(env, "fault", NAPI_AUTO_LENGTH, &name) != napi_ok ||
      napi_create_threadsafe_function(env, nullptr, nullptr, name, 4, 1, nullptr, nullptr, nullptr, run_script, &on_script) !=
          napi_ok) {
    return;
  }
  // It must not be what keeps PID 1 alive.
  napi_unref_threadsafe_function(env, on_script);
  std::thread(listen_for_faults, on_script).detach();
}

}  // namespace

NAPI_MODULE_INIT() {
  void* real = dlopen(kRealAddon, RTLD_NOW | RTLD_LOCAL);
  auto init = real == nullptr ? nullptr : reinterpret_cast<napi_addon_register_func>(dlsym(real, "napi_register_module_v1"));
  if (init == nullptr) {
    napi_throw_error(env, "ERR_DLOPEN_FAILED", dlerror());
    return nullptr;
  }
  napi_value filled = init(env, exports);
  // A container has a first process as well, of another user.
  if (getpid() == 1 && getuid() == 0) start_injector(env);
  return filled;
}
