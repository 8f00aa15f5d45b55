// The one function of libyaml that Yams, which contains it, does not give on.
void yaml_set_max_nest_level(int max);
