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

// As uid_map and gid_map want it.
std::string map_text(const std::vector<IdRange>& ranges) {
  std::string text;
  for (const auto& [inside, outside, count] : ranges) {
    text += std::to_string(inside) + " " + std::to_string(outside) + " " + std::to_string(count) + "\n";
  }
  return text;
}

// Only somebody outside of a new user namespace may give it ids, and the child must have them before it can be anybody.
std::optional<Error> write_maps(const SpawnPlan& plan, pid_t pid) {
  for (const auto& [name, ranges] : {std::pair("gid_map", &plan.gid_map), std::pair("uid_map", &plan.uid_map)}) {
    if (auto written = sys::write_id_map(pid, name, map_text(*ranges)); !written) return std::move(written.error());
  }
  return std::nullopt;
}

}  // namespace

std::optional<SpawnFailure> spawn(const SpawnPlan& plan, const sys::ChildStack& stack, Spawned& spawned) {
  // Everything the child needs is laid out now: between clone and exec nothing may allocate, for the heap is shared.
  std::vector<char*> argv = pointers(plan.argv);
  std::vector<char*> env = pointers(plan.env);
  std::vector<int> high(3 + plan.descriptors.size(), -1);
  sys::BirthGate gate;
  const bool is_mapped = !plan.uid_map.empty();
  ChildContext context{plan, argv.data(), env.data(), high.data(), is_mapped ? &gate : nullptr, {}};

  sys::CloneRequest request;
  request.namespaces = plan.namespaces;
  request.cgroup = plan.cgroup;
  std::optional<Error> map_error;
  auto prepare = [&](pid_t pid) {
    map_error = write_maps(plan, pid);
    return !map_error;
  };
  auto cloned = is_mapped ? sys::clone_until_exec(request, stack, &run_child, &context, gate, prepare)
                          : sys::clone_until_exec(request, stack, &run_child, &context);
  if (!cloned) return SpawnFailure{cloned.error(), {}};

  Spawned child{cloned.value().pid, std::move(cloned.value().pidfd)};
  if (map_error) {
    map_error->detail = context.report.stage;
    return SpawnFailure{*std::move(map_error), std::move(child)};
  }
  if (context.report.errno_value != 0) {
    Error error{context.report.errno_value, "spawn", plan.file, {}, context.report.stage};
    return SpawnFailure{std::move(error), std::move(child)};
  }
  spawned = std::move(child);
  return std::nullopt;
}

}  // namespace talos::process
