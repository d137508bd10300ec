#include "sys/thread_calls.h"

#include <pthread.h>

#include <csignal>
#include <memory>

namespace talos::sys {

namespace {

struct Start {
  const char* name;
  std::function<void()> work;
};

void* run(void* argument) {
  std::unique_ptr<Start> start(static_cast<Start*>(argument));
  pthread_setname_np(pthread_self(), start->name);
  start->work();
  return nullptr;
}

}  // namespace

Result<void> start_thread(const char* name, std::function<void()> work) {
  auto start = std::make_unique<Start>(Start{name, std::move(work)});
  pthread_attr_t attributes;
  if (int error = pthread_attr_init(&attributes)) return Error{error, "pthread_create", {}, {}, name};
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  // A thread inherits the mask of its maker.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread;
  int error = pthread_create(&thread, &attributes, run, start.get());
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_attr_destroy(&attributes);
  if (error != 0) return Error{error, "pthread_create", {}, {}, name};
  (void)start.release();
  return {};
}

}  // namespace talos::sys
