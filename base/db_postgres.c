#include "base/db_driver.h"
const struct db_driver db_postgres = { 0 };
