// The one translation unit that compiles Asio: every other one sees declarations only
// (BOOST_ASIO_SEPARATE_COMPILATION). Asio's TLS is not used, so not compiled.
#include <boost/asio/impl/src.hpp>
