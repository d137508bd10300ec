#include "process/spawn.h"

#include "process/child.h"
#include "sys/clone_calls.h"

namespace talos::process {

namespace {

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> result;
  result.reserve(strings.size() + 1);
  // SAFETY: execve(2) does not write to the strings, its signature is older than const.
  for (const auto& text : strings) result.push_back(const_cast<char*>(text.c_str()));
  result.push_back(nullptr);
  return result;
}

}  // namespace

std::optional<SpawnFailure> spawn(const SpawnPlan& plan, Spawned& spawned) {
  // Everything the child needs is laid out now: between clone and exec nothing may allocate, for the heap is shared.
  std::vector<char*> argv = pointers(plan.argv);
  std::vector<char*> env = pointers(plan.env);
  std::vector<int> high(3 + plan.descriptors.size(), -1);
  ChildContext context{plan, argv.data(), env.data(), high.data(), {}};

  auto stack = sys::ChildStack::create();
  if (!stack) return SpawnFailure{stack.error(), {}};
  sys::CloneRequest request;
  request.namespaces = plan.namespaces;
  request.cgroup = plan.cgroup;
  auto cloned = sys::clone_until_exec(request, stack.value(), &run_child, &context);
  if (!cloned) return SpawnFailure{cloned.error(), {}};

  Spawned child{cloned.value().pid, std::move(cloned.value().pidfd)};
  if (context.report.errno_value != 0) {
    Error error{context.report.errno_value, "spawn", plan.file, {}, context.report.stage};
    return SpawnFailure{std::move(error), std::move(child)};
  }
  spawned = std::move(child);
  return std::nullopt;
}

}  // namespace talos::process
