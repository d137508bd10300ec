#include "ring/writer.h"

#include "ring/writer_impl.h"

namespace talos::ring {

template class BasicWriter<DirectStores>;

}  // namespace talos::ring
