import Elements

/// What one account, or all of a tenant together, usually does; integers only, and bounded.
struct Habit: Hashable, Sendable {
  typealias Destination = PaidCall.Destination
  typealias Origin = PaidCall.Origin

  /// Local days since 1970: of the first paid call, and of the last one.
  var firstDay: Int32
  var day: Int32
  /// Days with paid calls, up to 65535.
  var activeDays: UInt16 = 0
  var hours: UsualHours
  var destinations = KnownPlaces<Destination>()
  var origins = KnownPlaces<Origin>()
  /// Networks that were new, in thousandths, over a fortnight.
  var newOrigins = FadingSum()
  /// Calls in thousandths, over an hour.
  var calls = FadingSum()
  /// What calls have cost that are not odd, over a day; of odd ones, by weight, over two.
  var spent = FadingSum()
  var odd = FadingSum()
  var mostCalls = Peak()
  /// Of a tenant: by one account.
  var mostSpent = Peak()
  /// Of an account what a person has called usual, of a tenant what its accounts come to unasked: who tries out how much is
  /// tolerated raises it for himself not at all, and for all together slowly.
  var mostOdd = Peak()
  /// Of all minutes, for what is tolerated; and of those that cost anything, for what is dear: beside the minutes of a flat
  /// rate each paid one would be.
  var price = UsualPrice()
  var paidPrice = UsualPrice()
  /// The odd calls of late, oldest first.
  var oddCalls: [OddCall] = []

  struct OddCall: Hashable, Sendable {
    let at: WallTime
    let localHour: Int64
    let destination: Destination
    let origin: Origin
  }

  // Half-lives in milliseconds. A steady flow has as much in its sum as comes within the half-life by ln 2: an hour, a day.
  static let hour: Int64 = 2_495_000
  static let dayLong: Int64 = 59_887_000
  static let oddLife: Int64 = 2 * 86_400_000
  static let fortnight: Int64 = 14 * 86_400_000
  static let dayMilliseconds: Int64 = 86_400_000

  init(at localHour: Int64) {
    let day = Int32(clamping: localHour.flooredQuotient(by: 24))
    (firstDay, self.day) = (day, day)
    hours = UsualHours(at: localHour)
  }

  func isKnown(_ activeDays: Int, _ days: Int32, on day: Int32) -> Bool {
    self.activeDays >= activeDays && day - firstDay >= days
  }

  /// Odd calls within three days before `time`.
  func oddCallsOfLate(at time: WallTime) -> ArraySlice<OddCall> {
    let start = time.unixMilliseconds - 3 * Self.dayMilliseconds
    return oddCalls[(oddCalls.firstIndex { $0.at.unixMilliseconds > start } ?? oddCalls.count)...]
  }

  // MARK: Learning

  /// Closes the days that are over.
  mutating func age(to localHour: Int64) {
    let now = Int32(clamping: localHour.flooredQuotient(by: 24))
    if now > day {
      mostCalls.age(days: now - day, part: 2, growth: 10_000)
      mostSpent.age(days: now - day, part: 4, growth: 20 * price.micros)
      mostOdd.age(days: now - day, part: 16, growth: price.micros)
      price.close()
      paidPrice.close()
    }
    guard now > day || activeDays == 0 else { return }
    day = max(day, now)
    if activeDays < .max { activeDays += 1 }
  }

  mutating func add(
    _ call: PaidCall, _ oddity: Oddity, destinations bound: Int, origins originBound: Int
  ) {
    age(to: call.localHour)
    hours.use(call.localHour)
    destinations.see(call.destination, on: day, bound: bound)
    let time = call.at.unixMilliseconds
    if call.origin != .unknown, origins.see(call.origin, on: day, bound: originBound),
      case .network = call.origin
    {
      newOrigins.add(1000, at: time, halfLife: Self.fortnight)
    }
    calls.add(1000, at: time, halfLife: Self.hour)
    mostCalls.see(calls.amount)
    guard oddity.weight == 0 else { return }
    price.see(call.pricePerMinute)
    if call.pricePerMinute > 0 { paidPrice.see(call.pricePerMinute) }
  }

  /// Money that was spent, or less than was thought.
  mutating func pay(_ difference: Int64, weight: Int64, at time: Int64) {
    let micros = difference.bounded
    if weight > 0 {
      odd.add(micros.weighted(by: weight), at: time, halfLife: Self.oddLife)
    } else {
      spent.add(micros, at: time, halfLife: Self.dayLong)
      mostSpent.see(spent.amount)
    }
  }

  mutating func note(_ call: PaidCall, bound: Int) {
    if oddCalls.count >= bound { oddCalls.removeFirst() }
    oddCalls.append(
      OddCall(
        at: call.at, localHour: call.localHour, destination: call.destination, origin: call.origin))
  }

  /// A person has said that what was odd is usual.
  mutating func accept(_ settings: HabitSettings) {
    for call in oddCalls {
      destinations.settle(
        call.destination, days: UInt8(settings.daysToSettle), age: settings.ageToSettle, on: day)
      origins.settle(
        call.origin, days: UInt8(settings.daysOfOrigin), age: settings.ageOfOrigin, on: day)
      hours.teach(call.localHour)
    }
    oddCalls.removeAll()
    mostOdd.teach(odd.amount)
    mostSpent.teach(spent.amount)
    mostCalls.teach(mostCalls.today)
    odd = FadingSum()
  }

  /// What odd calls have taught, and what of it can be a thief's.
  struct Theft {
    let calls: [OddCall]
    /// Each with a local day: where it was there before, it is somebody else's.
    var destinations: [(place: Destination, since: Int32)]
    var origins: [(place: Origin, since: Int32)]
    let usualHour: Int
  }

  /// The odd calls that are kept, as far back as a theft goes, and while its tenant only taught none was odd.
  func theft(in tenant: Habit?, _ settings: HabitSettings) -> Theft {
    let known = tenant.map { $0.firstDay + settings.daysToKnow } ?? .min
    let firstDay = max(day - settings.daysOfTheft, known)
    let calls = oddCalls.filter { $0.localHour.flooredQuotient(by: 24) >= firstDay }
    var theft = Theft(
      calls: calls, destinations: calls.map { ($0.destination, firstDay) },
      origins: calls.map { ($0.origin, firstDay) }, usualHour: settings.usualHour)
    // Of more calls the first ones are not kept: each place that was new since then can be theirs. Its tenant has it from
    // this account only where it did not have it earlier.
    if calls.count >= settings.oddCallsKept {
      theft.destinations += destinations.new(since: firstDay)
      theft.origins += origins.new(since: firstDay)
    }
    return theft
  }

  /// A person has said that what was odd was a thief's: nothing of it is left, but where it was usual before.
  mutating func forget(_ theft: Theft) {
    unlearn(theft)
    oddCalls.removeAll()
    odd = FadingSum()
    // Whoever comes from many networks is on the move, and that was the thief.
    newOrigins = FadingSum()
  }

  /// Takes back where and when a thief has called.
  mutating func unlearn(_ theft: Theft) {
    for (place, since) in theft.destinations { destinations.forget(place, since: since) }
    for (place, since) in theft.origins { origins.forget(place, since: since) }
    hours.forget(theft.calls.map(\.localHour), below: theft.usualHour)
  }

  /// The same in journals of before: what had become usual meanwhile stayed.
  mutating func disown(_ settings: HabitSettings) {
    for call in oddCalls {
      if !destinations.isSettled(
        call.destination, days: settings.daysToSettle, age: settings.ageToSettle, on: day)
      {
        destinations.forget(call.destination)
      }
      if !origins.isSettled(
        call.origin, days: settings.daysOfOrigin, age: settings.ageOfOrigin, on: day)
      {
        origins.forget(call.origin)
      }
    }
    oddCalls.removeAll()
    odd = FadingSum()
  }
}
