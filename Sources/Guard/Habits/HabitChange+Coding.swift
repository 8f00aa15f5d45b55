package import Elements

// How changes of habits are written into the journal and read back; numbers with seven bits a byte, since most are small.

extension HabitChange {
  package func encode(into writer: inout ByteWriter) {
    switch self {
    case .called(let call, let oddity, let lesson):
      writer.write(UInt8(lesson == .first ? 1 : 6))
      writer.writeCompact(call.account.number)
      writer.writeCompact(call.tenant.number)
      writer.signed(call.at.unixMilliseconds)
      writer.signed(Int64(call.zoneOffset))
      writer.write(call.destination)
      writer.write(call.origin)
      writer.signed(call.pricePerMinute)
      writer.signed(call.worth)
      writer.write(oddity.rawValue)
    case .paid(let account, let tenant, let oddity, let difference, let at, let lesson):
      writer.write(UInt8(lesson == .first ? 2 : 7))
      writer.writeCompact(account.number)
      writer.writeCompact(tenant.number)
      writer.write(oddity.rawValue)
      writer.signed(difference)
      writer.signed(at.unixMilliseconds)
    case .accepted(let account):
      writer.write(UInt8(3))
      writer.writeCompact(account.number)
    case .disowned(let account, let tenant):
      writer.write(UInt8(tenant == nil ? 4 : 8))
      writer.writeCompact(account.number)
      if let tenant { writer.writeCompact(tenant.number) }
    case .known(let record):
      writer.write(UInt8(9))
      writer.write(record.owner)
      writer.write(record.habit)
    }
  }

  package init(from reader: inout ByteReader) throws(ByteCodingError) {
    let start = reader.offset
    let code = try reader.read(UInt8.self)
    switch code {
    case 1, 6:
      let call = PaidCall(
        account: AccountID(try reader.readCompact()), tenant: TenantID(try reader.readCompact()),
        at: try reader.readTime(),
        zoneOffset: Int32(clamping: try reader.signed()),
        destination: try reader.readDestination(), origin: try reader.readOrigin(),
        pricePerMinute: try reader.signed(), worth: try reader.signed())
      self = .called(call, Oddity(rawValue: try reader.read()), code == 1 ? .first : .second)
    case 2, 7:
      self = .paid(
        AccountID(try reader.readCompact()), TenantID(try reader.readCompact()),
        Oddity(rawValue: try reader.read()), difference: try reader.signed(),
        at: try reader.readTime(), code == 2 ? .first : .second)
    case 3: self = .accepted(AccountID(try reader.readCompact()))
    case 4: self = .disowned(AccountID(try reader.readCompact()), nil)
    case 8:
      self = .disowned(
        AccountID(try reader.readCompact()), TenantID(try reader.readCompact()))
    case 5, 9:
      self = .known(
        HabitRecord(
          owner: try reader.readOwner(), habit: try reader.readHabit(hasPaidPrice: code == 9)))
    case _: throw ByteCodingError(expected: "a change of habits", offset: start)
    }
  }
}

extension ByteWriter {
  /// Small magnitudes stay short: 0, -1, 1, -2 are written as 0, 1, 2, 3.
  fileprivate mutating func signed(_ value: Int64) {
    writeCompact(UInt64(bitPattern: value << 1 ^ value >> 63))
  }

  fileprivate mutating func write(_ destination: PaidCall.Destination) {
    write(destination.country)
    write(destination.isSpecial)
  }

  fileprivate mutating func write(_ origin: PaidCall.Origin) {
    switch origin {
    case .unknown: write(UInt8(0))
    case .forward: write(UInt8(1))
    case .network(let network):
      write(UInt8(2))
      write(network.high)
      write(network.low)
    }
  }

  fileprivate mutating func write(_ owner: HabitRecord.Owner) {
    switch owner {
    case .account(let account):
      write(UInt8(0))
      writeCompact(account.number)
    case .tenant(let tenant):
      write(UInt8(1))
      writeCompact(tenant.number)
    }
  }

  fileprivate mutating func write(_ sum: FadingSum) {
    signed(sum.amount)
    signed(sum.since)
  }

  fileprivate mutating func write(_ price: UsualPrice) {
    signed(price.usual)
    signed(price.today)
  }

  fileprivate mutating func write(_ peak: Peak) {
    signed(peak.usual)
    signed(peak.today)
  }

  fileprivate mutating func write<Place>(_ known: KnownPlace<Place>) {
    signed(Int64(known.firstDay))
    signed(Int64(known.lastDay))
    write(known.days)
  }

  fileprivate mutating func write(_ habit: Habit) {
    signed(Int64(habit.firstDay))
    signed(Int64(habit.day))
    write(habit.activeDays)
    // Most hours of most people are empty.
    signed(habit.hours.day)
    write(habit.hours.used)
    let hours = habit.hours.weights.indices.filter { habit.hours.weights[$0] > 0 }
    write(UInt8(hours.count))
    for hour in hours {
      write(UInt8(hour))
      write(habit.hours.weights[hour])
    }
    write(UInt8(habit.destinations.all.count))
    for known in habit.destinations.all {
      write(known.place)
      write(known)
    }
    write(UInt8(habit.origins.all.count))
    for known in habit.origins.all {
      write(known.place)
      write(known)
    }
    for sum in [habit.newOrigins, habit.calls, habit.spent, habit.odd] { write(sum) }
    for peak in [habit.mostCalls, habit.mostSpent, habit.mostOdd] { write(peak) }
    write(habit.price)
    write(habit.paidPrice)
    write(UInt8(habit.oddCalls.count))
    for call in habit.oddCalls {
      signed(call.at.unixMilliseconds)
      signed(call.localHour)
      write(call.destination)
      write(call.origin)
    }
  }
}

extension ByteReader {
  fileprivate mutating func signed() throws(ByteCodingError) -> Int64 {
    let bits = try readCompact()
    return Int64(bitPattern: bits >> 1 ^ (0 &- (bits & 1)))
  }

  fileprivate mutating func readDestination() throws(ByteCodingError) -> PaidCall.Destination {
    PaidCall.Destination(country: try read(), isSpecial: try readBool())
  }

  fileprivate mutating func readOrigin() throws(ByteCodingError) -> PaidCall.Origin {
    let start = offset
    switch try read(UInt8.self) {
    case 0: return .unknown
    case 1: return .forward
    case 2: return .network(IPAddress(high: try read(), low: try read()))
    case _: throw ByteCodingError(expected: "an origin of calls", offset: start)
    }
  }

  fileprivate mutating func readOwner() throws(ByteCodingError) -> HabitRecord.Owner {
    let start = offset
    switch try read(UInt8.self) {
    case 0: return .account(AccountID(try readCompact()))
    case 1: return .tenant(TenantID(try readCompact()))
    case _: throw ByteCodingError(expected: "an owner of habits", offset: start)
    }
  }

  /// Days, hours and milliseconds as far from 1970 as can be counted with.
  private mutating func signed(below bound: Int64) throws(ByteCodingError) -> Int64 {
    let start = offset
    let value = try signed()
    guard -bound < value, value < bound else {
      throw ByteCodingError(expected: "a time of habits", offset: start)
    }
    return value
  }

  private mutating func readDay() throws(ByteCodingError) -> Int32 {
    Int32(try signed(below: 1 << 30))
  }

  fileprivate mutating func readTime() throws(ByteCodingError) -> WallTime {
    WallTime(unixMilliseconds: try signed(below: 1 << 50))
  }

  private mutating func readSum() throws(ByteCodingError) -> FadingSum {
    FadingSum(amount: try signed(), since: try signed())
  }

  private mutating func readPeak() throws(ByteCodingError) -> Peak {
    Peak(usual: try signed(), today: try signed())
  }

  private mutating func readPrice() throws(ByteCodingError) -> UsualPrice {
    UsualPrice(usual: try signed(), today: try signed())
  }

  private mutating func readKnown<Place>(
    _ place: Place
  ) throws(ByteCodingError) -> KnownPlace<Place> {
    KnownPlace(
      place: place, firstDay: try readDay(),
      lastDay: try readDay(), days: try read())
  }

  private mutating func readHours() throws(ByteCodingError) -> UsualHours {
    let (day, used): (Int64, UInt32) = (try signed(below: 1 << 30), try read())
    var weights = [UInt8](repeating: 0, count: UsualHours.count)
    for _ in 0..<(try read(UInt8.self)) {
      let hour = Int(try read(UInt8.self))
      guard hour < weights.count else {
        throw ByteCodingError(expected: "an hour of the week", offset: offset - 1)
      }
      weights[hour] = try read()
    }
    return UsualHours(weights: weights, day: day, used: used)
  }

  /// Checkpoints of before have one price for all minutes: beside that of a flat rate each paid one would be dear for weeks, so
  /// what they cost is learned anew.
  fileprivate mutating func readHabit(hasPaidPrice: Bool) throws(ByteCodingError) -> Habit {
    var habit = Habit(at: 0)
    (habit.firstDay, habit.day) = (try readDay(), try readDay())
    habit.activeDays = try read()
    habit.hours = try readHours()
    var destinations: [KnownPlace<PaidCall.Destination>] = []
    for _ in 0..<(try read(UInt8.self)) {
      destinations.append(try readKnown(try readDestination()))
    }
    habit.destinations = KnownPlaces(destinations)
    var origins: [KnownPlace<PaidCall.Origin>] = []
    for _ in 0..<(try read(UInt8.self)) { origins.append(try readKnown(try readOrigin())) }
    habit.origins = KnownPlaces(origins)
    (habit.newOrigins, habit.calls) = (try readSum(), try readSum())
    (habit.spent, habit.odd) = (try readSum(), try readSum())
    (habit.mostCalls, habit.mostSpent) = (try readPeak(), try readPeak())
    habit.mostOdd = try readPeak()
    habit.price = try readPrice()
    if hasPaidPrice { habit.paidPrice = try readPrice() }
    for _ in 0..<(try read(UInt8.self)) {
      habit.oddCalls.append(
        Habit.OddCall(
          at: try readTime(), localHour: try signed(below: 1 << 40),
          destination: try readDestination(), origin: try readOrigin()))
    }
    return habit
  }
}
