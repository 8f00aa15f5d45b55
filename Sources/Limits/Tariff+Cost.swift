package import Elements

extension Tariff {
  /// What a call of `talk` costs that was answered at `answer`; nil beyond what can be counted.
  ///
  /// Never falls as `talk` grows. A call that is answered and over at once pays its fee and, without
  /// free seconds, its first step: carriers charge it.
  package func cost(of talk: Duration, answeredAt answer: WallTime) -> Money? {
    cost(ofMilliseconds: talk.wholeMilliseconds, answeredAt: answer)
      .map { Money(micros: $0, currency) }
  }

  func cost(ofMilliseconds talk: Int64, answeredAt answer: WallTime) -> Int64? {
    guard let billed = billedSeconds(ofMilliseconds: talk) else { return nil }
    guard !steps.isEmpty else { return total(secondsTimesPrice(billed, pricePerMinute)) }
    var sum: Int64 = 0
    var (done, price): (Int64, Int64) = (0, pricePerMinute)
    for step in steps {
      // A step of the tariff is priced by the moment at which it begins.
      let until = min(billed, stepsBegun(before: step.from, answeredAt: answer))
      if until > done {
        guard let part = secondsTimesPrice(until - done, price) else { return nil }
        (sum, done) = (sum.clampedSum(part), until)
      }
      price = step.pricePerMinute
    }
    guard let rest = secondsTimesPrice(billed - done, price) else { return nil }
    return total(sum.clampedSum(rest))
  }

  /// The most that `talk` can cost when the answer comes at any moment from `first` to `last`.
  func ceiling(
    ofMilliseconds talk: Int64, answeredFrom first: WallTime, through last: WallTime
  ) -> Int64? {
    guard let billed = billedSeconds(ofMilliseconds: talk) else { return nil }
    let end = WallTime(unixMilliseconds: last.unixMilliseconds.clampedSum(talk))
    return total(secondsTimesPrice(billed, dearestPrice(from: first, through: end)))
  }

  /// The highest price per minute in force at some moment from `first` to `last`.
  func dearestPrice(from first: WallTime, through last: WallTime) -> Int64 {
    var (dearest, price): (Int64, Int64) = (0, pricePerMinute)
    for step in steps {
      if step.from > first { dearest = max(dearest, price) }
      if step.from > last { return dearest }
      price = step.pricePerMinute
    }
    return max(dearest, price)
  }

  /// The longest talk in milliseconds that costs no more than `talk` does: to the end of its step.
  func paidThrough(_ talk: Int64) -> Int64 {
    guard let billed = billedSeconds(ofMilliseconds: talk) else { return talk }
    return max(talk, (Int64(freeSeconds) + billed) * 1000)
  }

  var isFree: Bool {
    connectionFee == 0 && pricePerMinute == 0 && steps.allSatisfy { $0.pricePerMinute == 0 }
  }

  /// The first step in seconds: the minimum, or an increment.
  var firstStepSeconds: Int { max(minimumSeconds, incrementSeconds) }

  // MARK: Steps

  /// Seconds that are charged for `talk`: begun steps in full, free seconds off; nil when too long.
  private func billedSeconds(ofMilliseconds talk: Int64) -> Int64? {
    guard talk >= 0, talk <= Self.longestTalk.wholeMilliseconds else { return nil }
    return stepped(max(1, talk.dividedRoundingUp(by: 1000)) - Int64(freeSeconds))
  }

  /// Whole steps that hold `seconds`.
  private func stepped(_ seconds: Int64) -> Int64 {
    guard seconds > 0 else { return 0 }
    let (minimum, increment) = (Int64(minimumSeconds), Int64(incrementSeconds))
    guard seconds > minimum else { return minimum }
    return minimum + (seconds - minimum).dividedRoundingUp(by: increment) * increment
  }

  /// Charged seconds whose step began before `moment`.
  private func stepsBegun(before moment: WallTime, answeredAt answer: WallTime) -> Int64 {
    let talk = moment.unixMilliseconds - answer.unixMilliseconds
    guard talk > 0 else { return 0 }
    return stepped(talk.dividedRoundingUp(by: 1000) - Int64(freeSeconds))
  }

  /// Sixtieths of micro-units; nil beyond the range.
  private func secondsTimesPrice(_ seconds: Int64, _ price: Int64) -> Int64? {
    let (product, overflow) = seconds.multipliedReportingOverflow(by: price)
    return overflow ? nil : product
  }

  private func total(_ sixtieths: Int64?) -> Int64? {
    guard let sixtieths else { return nil }
    let sum = sixtieths.dividedRoundingUp(by: 60).clampedSum(connectionFee)
    guard roundingMicros > 1 else { return sum }
    let (rounded, overflow) = sum.dividedRoundingUp(by: roundingMicros)
      .multipliedReportingOverflow(by: roundingMicros)
    return overflow ? nil : rounded
  }
}

extension Price {
  func cost(ofMilliseconds talk: Int64, answeredAt answer: WallTime) -> Cost? {
    guard let sell = sell.cost(ofMilliseconds: talk, answeredAt: answer),
      let purchase = purchase.cost(ofMilliseconds: talk, answeredAt: answer)
    else { return nil }
    return Cost(sell: sell, purchase: purchase)
  }

  func ceiling(
    ofMilliseconds talk: Int64, answeredFrom first: WallTime, through last: WallTime
  ) -> Cost? {
    guard let sell = sell.ceiling(ofMilliseconds: talk, answeredFrom: first, through: last),
      let purchase = purchase.ceiling(
        ofMilliseconds: talk, answeredFrom: first, through: last)
    else { return nil }
    return Cost(sell: sell, purchase: purchase)
  }

  func dearest(from first: WallTime, through last: WallTime) -> Cost {
    Cost(
      sell: sell.dearestPrice(from: first, through: last),
      purchase: purchase.dearestPrice(from: first, through: last))
  }

  /// Whether a call costs nothing by either price, however long it is.
  var isFree: Bool { sell.isFree && purchase.isFree }

  var connectionFee: Cost { Cost(sell: sell.connectionFee, purchase: purchase.connectionFee) }

  /// The longest talk that costs no more than `talk` does by either price.
  func paidThrough(_ talk: Int64) -> Int64 {
    min(sell.paidThrough(talk), purchase.paidThrough(talk))
  }

  var firstStep: Int64 {
    Int64(max(sell.firstStepSeconds, purchase.firstStepSeconds)) * 1000
  }
}
