#include "mount/root.h"

#include "sys/mount_api_calls.h"
#include "sys/mount_calls.h"

namespace talos::mount {
namespace {

Result<void> move_mount_at(const std::string& from, const std::string& to) { return sys::mount(from, to, "", MS_MOVE, ""); }

// Pivots onto the working folder. Both names are the same: the old root then lies on top of the new one, from where it is taken
// away, and no folder is needed to put it in.
Result<void> replace_root(const std::string& new_root) {
  auto pivoted = sys::pivot_root(".", ".");
  if (pivoted) {
    if (auto detached = sys::unmount(".", MNT_DETACH); !detached) return detached;
    return sys::enter_folder("/");
  }
  pivoted.error().path = new_root;
  pivoted.error().dest.clear();
  if (pivoted.error().errno_value != EINVAL) return pivoted;
  // The first root of a kernel (an initramfs) is the parent of all mounts and cannot be moved.
  if (!move_mount_at(".", "/")) return pivoted;
  if (auto changed = sys::change_root("."); !changed) return changed;
  return sys::enter_folder("/");
}

}  // namespace

Result<void> switch_root(const std::string& new_root, const std::vector<std::string>& kept) {
  auto before = sys::open_working_folder();
  if (!before) return std::move(before.error());
  size_t moved = 0;
  auto go = [&]() -> Result<void> {
    if (auto entered = sys::enter_folder(new_root); !entered) return entered;
    for (const std::string& mount : kept) {
      if (auto done = move_mount_at(mount, new_root + mount); !done) return done;
      moved++;
    }
    return replace_root(new_root);
  };
  auto gone = go();
  if (gone) return {};
  while (moved > 0) {
    moved--;
    (void)move_mount_at(new_root + kept[moved], kept[moved]);
  }
  (void)sys::enter_folder_of(before.value().get());
  return gone;
}

}  // namespace talos::mount
