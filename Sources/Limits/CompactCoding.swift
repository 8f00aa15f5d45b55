import Elements

// How the values of ledger entries are written and read, field by field.

extension ByteWriter {
  mutating func kind(_ kind: UInt8) { write(kind) }

  mutating func number(_ value: UInt64) { writeCompact(value) }

  /// Small magnitudes stay short: 0, -1, 1, -2 are written as 0, 1, 2, 3.
  mutating func signed(_ value: Int64) {
    number(UInt64(bitPattern: value << 1 ^ value >> 63))
  }

  mutating func optional(_ value: UInt64?) {
    write(value) { $0.number($1) }
  }

  mutating func time(_ time: LedgerTime) {
    signed(time.wall)
    signed(time.elapsed)
  }

  mutating func subject(_ subject: LimitSubject) {
    let (level, number) = subject.sortKey
    write(level)
    self.number(number)
  }

  mutating func tally(_ tally: Tally) {
    signed(tally.money)
    signed(Int64(tally.international))
    signed(Int64(tally.attempts))
  }

  mutating func cost(_ cost: Cost) {
    signed(cost.sell)
    signed(cost.purchase)
  }

  mutating func window(_ window: CalendarWindow) {
    signed(window.start)
    signed(window.end - window.start)
    tally(window.used)
    tally(window.granted)
    write(window.sharesTold)
  }

  mutating func meter(_ meter: Meter) {
    write(meter.quantity.rawValue << 4 | meter.period.rawValue)
  }

  mutating func limits(_ limits: LimitSet) {
    write(limits.currency.code)
    write(limits.basis.rawValue | (limits.isPrepaid ? 0x80 : 0))
    write(limits.releasesAtRoll.rawValue)
    var present: UInt16 = 0
    for (index, name) in LimitSet.stored.enumerated() where limits[name] != nil {
      present |= 1 << UInt16(index)
    }
    write(present)
    for name in LimitSet.stored {
      if let value = limits[name] { signed(value) }
    }
  }

  mutating func block(_ block: Block) {
    switch block.reason {
    case .reached(let meter, let kind):
      write(kind.rawValue)
      self.meter(meter)
    case .manual(let person, let reason):
      write(UInt8(2))
      write(person)
      write(reason)
    case .unusual(let words):
      write(UInt8(3))
      write(words)
    }
    signed(block.since.unixMilliseconds)
    signed(block.needed)
    optional(block.cause?.number)
  }

  mutating func hold(_ hold: OpenedHold) {
    number(hold.id.number)
    number(hold.account.number)
    optional(hold.trunk?.number)
    write(hold.terms.bits)
    write(hold.sellCurrency.code)
    write(hold.purchaseCurrency.code)
    cost(hold.total)
    cost(hold.posted)
    write(
      UInt8(hold.isInternational ? 1 : 0) | (hold.isAnswered ? 2 : 0) | (hold.isRestored ? 4 : 0)
        | (hold.trunkSince == hold.time ? 0 : 8) | (hold.credit == .zero ? 0 : 16))
    time(hold.time)
    if hold.trunkSince != hold.time { time(hold.trunkSince) }
    if hold.credit != .zero { cost(hold.credit) }
  }
}

extension ByteReader {
  mutating func number() throws(ByteCodingError) -> UInt64 { try readCompact() }

  mutating func signed() throws(ByteCodingError) -> Int64 {
    let bits = try number()
    return Int64(bitPattern: bits >> 1 ^ (0 &- (bits & 1)))
  }

  mutating func optional() throws(ByteCodingError) -> UInt64? {
    try readBool() ? try number() : nil
  }

  mutating func raw<Value: RawRepresentable>(
    _ type: Value.Type = Value.self
  ) throws(ByteCodingError) -> Value where Value.RawValue == UInt8 {
    let byte: UInt8 = try read()
    guard let value = Value(rawValue: byte) else {
      throw ByteCodingError(expected: "a \(Value.self)", offset: offset - 1)
    }
    return value
  }

  private mutating func count() throws(ByteCodingError) -> Int32 {
    guard let count = Int32(exactly: try signed()) else {
      throw ByteCodingError(expected: "a count of 32 bits", offset: offset)
    }
    return count
  }

  mutating func time() throws(ByteCodingError) -> LedgerTime {
    LedgerTime(wall: try signed(), elapsed: try signed())
  }

  mutating func subject() throws(ByteCodingError) -> LimitSubject {
    let level: UInt8 = try read()
    let number = try number()
    switch level {
    case 0: return .platform
    case 1: return .tenant(TenantID(number))
    case 2: return .trunk(TrunkID(number))
    case 3: return .account(AccountID(number))
    case _: throw ByteCodingError(expected: "a level of limits", offset: offset)
    }
  }

  mutating func tally() throws(ByteCodingError) -> Tally {
    Tally(money: try signed(), international: try count(), attempts: try count())
  }

  mutating func cost() throws(ByteCodingError) -> Cost {
    let cost = Cost(sell: try signed(), purchase: try signed())
    guard cost.sell >= 0, cost.purchase >= 0 else {
      throw ByteCodingError(expected: "amounts that are not negative", offset: offset)
    }
    return cost
  }

  mutating func window() throws(ByteCodingError) -> CalendarWindow {
    let start = try signed()
    let (end, overflow) = start.addingReportingOverflow(try signed())
    guard !overflow else { throw ByteCodingError(expected: "the end of a window", offset: offset) }
    return CalendarWindow(
      start: start, end: end, used: try tally(), granted: try tally(), sharesTold: try read())
  }

  mutating func meter() throws(ByteCodingError) -> Meter {
    let byte: UInt8 = try read()
    guard let quantity = Quantity(rawValue: byte >> 4), let period = Period(rawValue: byte & 15)
    else { throw ByteCodingError(expected: "a meter", offset: offset - 1) }
    return Meter(quantity, per: period)
  }

  mutating func limits() throws(ByteCodingError) -> LimitSet {
    let currency = Currency(code: try read())
    let flags: UInt8 = try read()
    guard let basis = Basis(rawValue: flags & 0x7F) else {
      throw ByteCodingError(expected: "a basis of limits", offset: offset - 1)
    }
    var limits = LimitSet(currency: currency, basis: basis)
    limits.isPrepaid = flags & 0x80 != 0
    limits.releasesAtRoll = PeriodSet(rawValue: try read())
    let present: UInt16 = try read()
    for (index, name) in LimitSet.stored.enumerated() where present >> UInt16(index) & 1 == 1 {
      limits[name] = try signed()
    }
    return limits
  }

  mutating func block() throws(ByteCodingError) -> Block {
    let kind: UInt8 = try read()
    let reason: Block.Reason
    if let window = WindowKind(rawValue: kind) {
      reason = .reached(try meter(), window)
    } else if kind == 2 {
      reason = .manual(by: try readString(), reason: try readString())
    } else if kind == 3 {
      reason = .unusual(try readString())
    } else {
      throw ByteCodingError(expected: "a reason of a block", offset: offset - 1)
    }
    return Block(
      reason: reason, since: WallTime(unixMilliseconds: try signed()), needed: try signed(),
      cause: try optional().map { AccountID($0) })
  }

  mutating func hold() throws(ByteCodingError) -> OpenedHold {
    let id = HoldID(try number())
    let account = AccountID(try number())
    let trunk = try optional().map { TrunkID($0) }
    let terms = HoldTerms(bits: try read())
    let (sell, purchase) = (Currency(code: try read()), Currency(code: try read()))
    let (total, posted) = (try cost(), try cost())
    let flags: UInt8 = try read()
    let time = try time()
    let trunkSince = flags & 8 != 0 ? try self.time() : time
    return OpenedHold(
      id: id, account: account, trunk: trunk, terms: terms, sellCurrency: sell,
      purchaseCurrency: purchase, total: total, posted: posted,
      credit: flags & 16 != 0 ? try cost() : .zero, isInternational: flags & 1 != 0,
      isAnswered: flags & 2 != 0, isRestored: flags & 4 != 0, time: time, trunkSince: trunkSince)
  }
}
