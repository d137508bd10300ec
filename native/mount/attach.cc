#include "mount/attach.h"

#include "mount/flags.h"
#include "sys/mount_api_calls.h"
#include "sys/mount_calls.h"

namespace talos::mount {
namespace {

// fsconfig(2) copies keys and values of 255 bytes and a NUL.
constexpr size_t kMaxWordBytes = 255;

Result<void> configure(int context, const Parameter& parameter) {
  if (const auto* text = std::get_if<std::string>(&parameter.value)) {
    return sys::configure_string(context, parameter.key, *text);
  }
  if (const auto* fd = std::get_if<int>(&parameter.value)) return sys::configure_descriptor(context, parameter.key, *fd);
  return sys::configure_flag(context, parameter.key);
}

Error with_messages(int context, Error error) {
  error.detail = sys::context_messages(context);
  return error;
}

Result<UniqueFd> make_mount(const MountRequest& request, const AttachPlan& plan) {
  if (!plan.is_copy) {
    return create_mount(
        {.fstype = request.fstype, .source = request.source, .parameters = plan.parameters, .attributes = plan.attribute_set});
  }
  auto copy = sys::open_tree(request.source, true, plan.recursive);
  if (!copy || (plan.attribute_set | plan.attribute_clear) == 0) return copy;
  // Before anybody can see it, and added to what it takes over from its source.
  auto changed = sys::change_mount(
      copy.value().get(),
      {.set = plan.attribute_set, .clear = plan.attribute_clear, .propagation = 0, .recursive = plan.recursive});
  if (!changed) return std::move(changed.error());
  return copy;
}

}  // namespace

Result<UniqueFd> create_mount(const NewMount& request) {
  auto context = sys::open_file_system(request.fstype);
  if (!context) return context;
  int fd = context.value().get();
  if (!request.source.empty()) {
    if (auto set = sys::configure_string(fd, "source", request.source); !set) return with_messages(fd, std::move(set.error()));
  }
  for (const Parameter& parameter : request.parameters) {
    if (auto set = configure(fd, parameter); !set) return with_messages(fd, std::move(set.error()));
  }
  if (auto created = sys::create_superblock(fd); !created) {
    created.error().path = request.source.empty() ? request.fstype : request.source;
    return with_messages(fd, std::move(created.error()));
  }
  auto mount = sys::make_detached_mount(fd, request.attributes);
  if (!mount) return with_messages(fd, std::move(mount.error()));
  return mount;
}

std::optional<std::vector<Parameter>> parse_options(std::string_view data) {
  if (data.find_first_of("\\\"") != std::string_view::npos) return std::nullopt;
  std::vector<Parameter> parameters;
  while (!data.empty()) {
    size_t comma = data.find(',');
    std::string_view option = data.substr(0, comma);
    data = comma == std::string_view::npos ? std::string_view{} : data.substr(comma + 1);
    if (option.empty()) continue;
    size_t equals = option.find('=');
    std::string_view key = option.substr(0, equals);
    if (key.empty() || key.size() > kMaxWordBytes) return std::nullopt;
    Parameter& parameter = parameters.emplace_back(Parameter{.key = std::string(key)});
    if (equals == std::string_view::npos) continue;
    std::string_view value = option.substr(equals + 1);
    if (value.size() > kMaxWordBytes) return std::nullopt;
    parameter.value.emplace<std::string>(value);
  }
  return parameters;
}

std::optional<AttachPlan> plan_attach(const MountRequest& request) {
  auto summed = sum_flags(request.flags, "mount");
  if (!summed) return std::nullopt;
  const FlagSum& sum = summed.value();
  const unsigned long operation = sum.operation & ~static_cast<unsigned long>(MS_REC);
  AttachPlan plan{.is_copy = operation == MS_BIND,
                  .recursive = (sum.operation & MS_REC) != 0,
                  .parameters = {},
                  .attribute_set = sum.attribute_set,
                  .attribute_clear = sum.attribute_clear,
                  .propagation = sum.propagation};
  if (plan.is_copy) return plan;
  if (operation != 0 || request.fstype.empty() || sum.is_silent || request.source.size() > kMaxWordBytes) return std::nullopt;
  auto parameters = parse_options(request.data);
  if (!parameters) return std::nullopt;
  for (const std::string& name : sum.superblock_names) plan.parameters.push_back({.key = name});
  for (Parameter& parameter : *parameters) plan.parameters.push_back(std::move(parameter));
  return plan;
}

Result<void> attach(const MountRequest& request, const AttachPlan& plan) {
  // What went wrong is told with the names that the caller knows.
  auto in_words = [&request](Error error) {
    if (!error.path.empty() && error.path != request.source && error.detail.empty()) error.detail = "'" + error.path + "'";
    error.path = request.source;
    error.dest = request.target;
    return error;
  };
  auto mount = make_mount(request, plan);
  if (!mount) return in_words(std::move(mount.error()));
  if (auto attached = sys::attach_mount(mount.value().get(), request.target); !attached) {
    return in_words(std::move(attached.error()));
  }
  // Behind the attaching, which makes a mount shared whose parent is.
  for (unsigned long propagation : plan.propagation) {
    auto changed = sys::change_mount(mount.value().get(), {.propagation = propagation, .recursive = plan.recursive});
    if (changed) continue;
    (void)sys::unmount(request.target, MNT_DETACH | UMOUNT_NOFOLLOW);
    // Nothing is left of it, so ENOSYS (Linux < 5.12) leads to mount(2) from here as well.
    return in_words(std::move(changed.error()));
  }
  return {};
}

}  // namespace talos::mount
