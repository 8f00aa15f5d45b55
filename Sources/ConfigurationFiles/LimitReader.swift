import Directory

/// Whose limits they are, as far as it decides which there can be.
enum LimitedLevel {
  /// An extension or a tenant.
  case customer
  case trunk, platform
}

/// Reads limits: each key that is given takes the place of the one in `base`; the word `none` takes it away.
struct LimitReader {
  let base: LimitEntry
  var level = LimitedLevel.customer

  func read(_ field: Field?) -> LimitEntry {
    guard let mapping = field?.mapping(ConfigurationKeys.limits) else { return base }
    var limits = base
    if let spend = mapping["spend"]?.mapping(ConfigurationKeys.spend) {
      set(&limits.spend.hourMicros, spend["hour"], amount)
      set(&limits.spend.dayMicros, spend["day"], amount)
      set(&limits.spend.monthMicros, spend["month"], amount)
      set(&limits.spend.callMicros, spend["call"], amount)
    }
    if let calls = mapping["international"]?.mapping(ConfigurationKeys.international) {
      set(&limits.international.hour, calls["hour"], count)
      set(&limits.international.day, calls["day"], count)
      set(&limits.international.month, calls["month"], count)
    }
    set(&limits.attemptsPerHour, mapping["attempts_per_hour"], count)
    set(&limits.concurrent, mapping["concurrent"], count)
    set(&limits.pricePerMinuteMicros, mapping["price_per_minute"], amount)
    set(&limits.connectionFeeMicros, mapping["connection_fee"], amount)
    if let prepaid = mapping["prepaid"], let truth = prepaid.truth() {
      if truth, level != .customer {
        prepaid.report("nobody pays in for it: write it for an extension or a tenant")
      }
      limits.isPrepaid = truth
    }
    if let basis = mapping["basis"]?.word(PriceBasis.self) { limits.basis = basis }
    if let habits = mapping["habits"] {
      if level == .trunk {
        habits.report("a trunk has none: write it for an extension, a tenant or the platform")
      } else if let rule = habits.word(HabitRule.self) {
        limits.habits = rule
      }
    }
    if let release = mapping["release"] {
      limits.releases = release.list().compactMap { $0.word(LimitPeriod.self) }
    }
    return limits
  }

  private func set(_ limit: inout Int64?, _ field: Field?, _ read: (Field) -> Int64?) {
    guard let field else { return }
    if field.isNone {
      limit = nil
    } else if let value = read(field) {
      limit = value
    }
  }

  private func amount(_ field: Field) -> Int64? { field.amount() }

  private func count(_ field: Field) -> Int64? {
    guard let number = field.wholeNumber() else { return nil }
    if number < 0 { field.report("a number of calls may not be negative") }
    return Int64(number)
  }
}
