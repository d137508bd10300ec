#include "process/child.h"

#include "sys/child_calls.h"

namespace talos::process {

namespace {

constexpr int kExitCodeOfFailure = 127;
constexpr int kLastCapability = 63;

// Each step returns 0 or a positive errno.
using Step = int (*)(ChildContext&);

int wait_for_ids(ChildContext& context) { return context.gate != nullptr ? sys::child::wait_at(*context.gate) : 0; }

int reset_signals(ChildContext&) { return sys::child::reset_signal_dispositions(); }

int start_session(ChildContext& context) { return context.plan.session ? sys::child::new_session() : 0; }

int set_oom_score_adj(ChildContext& context) {
  return context.plan.oom_score_adj ? sys::child::write_oom_score_adj(*context.plan.oom_score_adj) : 0;
}

int set_rlimits(ChildContext& context) {
  for (const auto& limit : context.plan.rlimits) {
    if (int error = sys::child::set_rlimit(limit.resource, limit.soft, limit.hard)) return error;
  }
  return 0;
}

// In two rounds, since a source may have the number of another's target: first all of them up and out of the way.
int place_descriptors(ChildContext& context) {
  const auto& extra = context.plan.descriptors;
  const int count = 3 + static_cast<int>(extra.size());
  for (int target = 0; target < count; ++target) {
    int source = target < 3 ? context.plan.stdio[target] : extra[target - 3];
    if (source == SpawnPlan::kInherit) {
      // Node marks its own 0 to 2 close-on-exec when it starts. One that is not open stays so.
      sys::child::keep_open(target);
      continue;
    }
    if (int error = sys::child::duplicate_above(source, count, context.high[target])) return error;
  }
  for (int target = 0; target < count; ++target) {
    if (context.high[target] == -1) continue;
    if (int error = sys::child::duplicate_to(context.high[target], target)) return error;
  }
  return sys::child::close_on_exec_from(count);
}

int change_directory(ChildContext& context) {
  return context.plan.cwd.empty() ? 0 : sys::child::change_directory(context.plan.cwd.c_str());
}

int drop_bounding_set(ChildContext& context) {
  if (!context.plan.capabilities) return 0;
  for (int capability = 0; capability <= kLastCapability; ++capability) {
    if (*context.plan.capabilities >> capability & 1) continue;
    int error = sys::child::drop_bounding(capability);
    if (error == EINVAL) break;  // past the kernel's last one
    if (error != 0) return error;
  }
  // Permitted capabilities outlive the change of uid; what remains of them is decided by set_capabilities.
  return sys::child::keep_capabilities();
}

int set_groups(ChildContext& context) {
  if (!context.plan.uid && !context.plan.gid) return 0;
  return sys::child::set_groups(context.plan.groups.data(), context.plan.groups.size());
}

int set_gid(ChildContext& context) { return context.plan.gid ? sys::child::set_gid(*context.plan.gid) : 0; }

int set_uid(ChildContext& context) { return context.plan.uid ? sys::child::set_uid(*context.plan.uid) : 0; }

int set_capabilities(ChildContext& context) {
  if (!context.plan.capabilities) return 0;
  if (int error = sys::child::set_capabilities(*context.plan.capabilities)) return error;
  for (int capability = 0; capability <= kLastCapability; ++capability) {
    if (!(*context.plan.capabilities >> capability & 1)) continue;
    if (int error = sys::child::raise_ambient(capability)) return error;
  }
  return 0;
}

int set_no_new_privileges(ChildContext& context) {
  return context.plan.no_new_privileges ? sys::child::set_no_new_privileges() : 0;
}

int unblock_signals(ChildContext&) { return sys::child::unblock_all_signals(); }

int set_filter(ChildContext& context) {
  const auto& program = context.plan.seccomp;
  return program.empty() ? 0 : sys::child::set_filter(program.data(), program.size());
}

int execute(ChildContext& context) { return sys::child::execute(context.plan.file.c_str(), context.argv, context.env); }

struct NamedStep {
  const char* stage;
  Step step;
};

// The order matters: privileges go step by step, and nothing that needs one comes after it is gone.
constexpr NamedStep kSteps[] = {
    {"user-namespace", wait_for_ids},
    {"signals", reset_signals},
    {"session", start_session},
    {"oom-score-adj", set_oom_score_adj},
    {"descriptors", place_descriptors},
    {"rlimits", set_rlimits},
    {"cwd", change_directory},
    {"bounding-set", drop_bounding_set},
    {"groups", set_groups},
    {"gid", set_gid},
    {"uid", set_uid},
    {"capabilities", set_capabilities},
    {"no-new-privileges", set_no_new_privileges},
    {"signal-mask", unblock_signals},
    {"seccomp", set_filter},
    {"exec", execute},
};

}  // namespace

int run_child(void* argument) {
  auto& context = *static_cast<ChildContext*>(argument);
  for (const auto& [stage, step] : kSteps) {
    if (int error = step(context)) {
      context.report = {error, stage};
      break;
    }
  }
  return kExitCodeOfFailure;
}

}  // namespace talos::process
