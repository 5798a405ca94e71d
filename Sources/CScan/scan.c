#include "scan.h"  // A C target needs one source file; everything lives in the header so that Swift can inline it.
