#include "CNumberingData.h"
