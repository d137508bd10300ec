// Threads for calls that may never return: each job ends once, in time or at its deadline, and stuck threads are counted and
// bounded.
#include <semaphore>
#include <thread>
#include <vector>

#include "reactor/deadline_threads.h"
#include "test/fault.h"
#include "test/tap.h"

namespace {

using namespace std::chrono_literals;
using namespace talos;
using namespace talos::test;

constexpr auto kPatience = 20s;

struct TestJob : DeadlineJob {
  std::counting_semaphore<> let_go{0};
  std::counting_semaphore<> started{0};
  std::counting_semaphore<> ended{0};
  std::atomic<int> done_count{0};
  std::atomic<int> expired_count{0};
  bool is_stuck;

  explicit TestJob(bool stuck) : is_stuck(stuck) {}
  void work() noexcept override {
    started.release();
    if (is_stuck) let_go.acquire();
  }
  void done() noexcept override {
    done_count++;
    ended.release();
  }
  void expired() noexcept override {
    expired_count++;
    ended.release();
  }
};

DeadlineThreads& threads() { return DeadlineThreads::instance(); }

// A count that other threads are about to change; they do so right behind what the test has waited for.
bool comes_to_stuck(size_t expected) {
  auto end = std::chrono::steady_clock::now() + kPatience;
  while (threads().counts().stuck != expected && std::chrono::steady_clock::now() < end) std::this_thread::yield();
  return threads().counts().stuck == expected;
}

void ends_in_time() {
  auto job = std::make_shared<TestJob>(false);
  check(threads().submit(job, 20s).ok());
  check(job->ended.try_acquire_for(kPatience));
  check(job->done_count == 1 && job->expired_count == 0);
  auto without = std::make_shared<TestJob>(false);
  check(threads().submit(without, std::nullopt).ok());
  check(without->ended.try_acquire_for(kPatience), "without a deadline");
}

void goes_on_without_a_stuck_one() {
  auto job = std::make_shared<TestJob>(true);
  std::weak_ptr<TestJob> held = job;
  auto start = std::chrono::steady_clock::now();
  check(threads().submit(job, 30ms).ok());
  check(job->ended.try_acquire_for(kPatience));
  check(std::chrono::steady_clock::now() - start >= 30ms, "not before its deadline");
  check(job->expired_count == 1);
  check_equal(threads().counts().stuck, 1u);
  job->let_go.release();
  check(comes_to_stuck(0));
  check_equal(job->done_count.load(), 0, "what comes too late is told to nobody");
}

void is_bounded() {
  std::vector<std::shared_ptr<TestJob>> stuck;
  for (size_t number = 0; number < DeadlineThreads::kMaxThreads; number++) {
    stuck.push_back(std::make_shared<TestJob>(true));
    check(threads().submit(stuck.back(), 20s).ok());
    check(stuck.back()->started.try_acquire_for(kPatience));
  }
  auto next = std::make_shared<TestJob>(false);
  check(threads().submit(next, 10ms).ok());
  check(next->ended.try_acquire_for(kPatience));
  check(next->expired_count == 1, "no thread is left for it");
  check_equal(threads().counts().threads, DeadlineThreads::kMaxThreads);
  check_equal(threads().counts().waiting, 0u);
  auto patient = std::make_shared<TestJob>(false);
  check(threads().submit(patient, std::nullopt).ok());
  check_equal(threads().counts().waiting, 1u);
  stuck[0]->let_go.release();
  check(patient->ended.try_acquire_for(kPatience), "comes to its turn when one is free again");
  for (size_t number = 1; number < stuck.size(); number++) stuck[number]->let_go.release();
  for (auto& job : stuck) check(job->ended.try_acquire_for(kPatience) && job->done_count == 1);
}

void says_when_there_can_be_no_thread() {
  auto end = std::chrono::steady_clock::now() + kPatience;
  while (threads().counts().threads > 0 && std::chrono::steady_clock::now() < end) std::this_thread::yield();
  check_equal(threads().counts().threads, 0u, "idle ones go home");
  fail_call("pthread_create", 1, EAGAIN);
  auto job = std::make_shared<TestJob>(false);
  auto submitted = threads().submit(job, 1s);
  check(!submitted && submitted.error().errno_value == EAGAIN && std::string_view(submitted.error().syscall) == "pthread_create");
  check(clear_faults());
  check(threads().submit(job, 20s).ok());
  check(job->ended.try_acquire_for(kPatience));
}

void many_at_once() {
  std::vector<std::shared_ptr<TestJob>> jobs;
  for (int number = 0; number < 2000; number++) {
    jobs.push_back(std::make_shared<TestJob>(false));
    (void)threads().submit(jobs.back(), std::chrono::milliseconds(number % 3 == 0 ? 0 : 20'000)).ok();
  }
  int ended = 0;
  for (auto& job : jobs) ended += job->ended.try_acquire_for(kPatience) && job->done_count + job->expired_count == 1;
  check_equal(ended, 2000, "each ends once");
}

}  // namespace

int main() {
  ends_in_time();
  goes_on_without_a_stuck_one();
  is_bounded();
  says_when_there_can_be_no_thread();
  many_at_once();
  return finish();
}
