#include "bind/cgroup_stats.h"

#include <optional>

#include "bind/addon_data.h"
#include "bind/error.h"
#include "bind/fd.h"
#include "bind/numbers.h"
#include "bind/takes.h"
#include "cgroup/sampler.h"
#include "sys/cgroup_calls.h"

namespace talos::bind {

namespace {

class CgroupSampler : public Napi::ObjectWrap<CgroupSampler> {
 public:
  explicit CgroupSampler(const Napi::CallbackInfo& info) : Napi::ObjectWrap<CgroupSampler>(info) {}

  void open(uint32_t sets, size_t max_descriptors) { sampler_.emplace(sets, max_descriptors); }

  Napi::Value add(const Napi::CallbackInfo& info) {
    if (!takes(info, "D")) return info.Env().Undefined();
    Napi::Env env = info.Env();
    int group_fd = borrow_fd(env, info[0]);
    if (group_fd == -1 || !check_open(env)) return env.Undefined();
    auto row = sampler_->add(group_fd);
    if (row) return Napi::Number::New(env, static_cast<double>(row.value()));
    throw_error(env, row.error());
    return env.Undefined();
  }

  Napi::Value remove(const Napi::CallbackInfo& info) {
    if (!takes(info, "n")) return info.Env().Undefined();
    if (!check_open(info.Env())) return info.Env().Undefined();
    return Napi::Boolean::New(info.Env(), sampler_->remove(info[0].As<Napi::Number>().Uint32Value()));
  }

  // The same array each time, as long as the number of rows stays.
  Napi::Value sample(const Napi::CallbackInfo& info) {
    Napi::Env env = info.Env();
    if (!check_open(env)) return env.Undefined();
    size_t size = sampler_->rows() * sampler_->row_size();
    if (values_.IsEmpty() || values_.Value().As<Napi::Float64Array>().ElementLength() != size) {
      auto made = make_numbers<double>(env, size, [](double*) {});
      if (made.IsEmpty()) return {};
      values_ = Napi::Persistent(made.As<Napi::Object>());
    }
    auto values = values_.Value().As<Napi::Float64Array>();
    if (auto sampled = sampler_->sample(values.Data()); !sampled) {
      throw_error(env, sampled.error());
      return env.Undefined();
    }
    return values;
  }

  Napi::Value descriptors(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), sampler_ ? static_cast<double>(sampler_->descriptors()) : 0);
  }

  Napi::Value max_descriptors(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), sampler_ ? static_cast<double>(sampler_->max_descriptors()) : 0);
  }

  void close(const Napi::CallbackInfo&) {
    sampler_.reset();
    values_.Reset();
  }

 private:
  bool check_open(Napi::Env env) {
    if (!sampler_) throw_error(env, Error{EBADF, "CgroupSampler", {}, {}, {}});
    return sampler_.has_value();
  }

  std::optional<cgroup::Sampler> sampler_;
  Napi::ObjectReference values_;
};

}  // namespace

void define_cgroup_sampler(Napi::Env env) {
  using Class = CgroupSampler;
  Napi::Function constructor =
      Class::DefineClass(env, "CgroupSampler",
                         {Class::InstanceMethod<&Class::add>("add"), Class::InstanceMethod<&Class::remove>("remove"),
                          Class::InstanceMethod<&Class::sample>("sample"), Class::InstanceMethod<&Class::close>("close"),
                          Class::InstanceAccessor<&Class::descriptors>("descriptors"),
                          Class::InstanceAccessor<&Class::max_descriptors>("maxDescriptors")});
  AddonData::of(env).constructor(ClassId::kCgroupSampler) = Napi::Persistent(constructor);
}

Napi::Value open_cgroup_sampler(const Napi::CallbackInfo& info) {
  if (!takes(info, "nn")) return info.Env().Undefined();
  Napi::Env env = info.Env();
  Napi::Object object;
  auto* sampler = make_object<CgroupSampler>(env, ClassId::kCgroupSampler, object);
  if (sampler == nullptr) return env.Undefined();
  size_t bound = info[1].As<Napi::Number>().Uint32Value();
  sampler->open(info[0].As<Napi::Number>().Uint32Value() & cgroup::kAllSets, bound == 0 ? sys::descriptor_limit() / 2 : bound);
  return object;
}

Napi::Value cgroup_stats(const Napi::CallbackInfo& info) {
  if (!takes(info, "an")) return info.Env().Undefined();
  Napi::Env env = info.Env();
  auto groups = info[0].As<Napi::Array>();
  uint32_t sets = info[1].As<Napi::Number>().Uint32Value() & cgroup::kAllSets;
  std::vector<int> fds;
  fds.reserve(groups.Length());
  for (uint32_t i = 0; i < groups.Length(); i++) {
    fds.push_back(borrow_fd(env, groups.Get(i)));
    if (fds.back() == -1) return env.Undefined();
  }
  Result<void> read;
  auto values = make_numbers<double>(env, fds.size() * cgroup::row_size(sets),
                                     [&](double* rows) { read = cgroup::read_stats(fds, sets, rows); });
  if (read) return values;
  throw_error(env, read.error());
  return env.Undefined();
}

}  // namespace talos::bind
