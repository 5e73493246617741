// Boost.JSON, compiled once: so that its library need not be installed.
#include <boost/json/src.hpp>
