import Elements
import Guard

/// A generated company: its people, and day after day the paid calls that they make; the seed decides all of it.
struct Company: Sendable {
  let kind: CompanyKind
  let number: UInt64
  private(set) var staff: [Employee] = []
  private(set) var dice: Fortune
  private var profile: CompanyKind.Profile { kind.profile }
  /// Percent of usual, while a campaign or a busy week lasts.
  private var campaign = (percent: 100, until: 0)

  init(_ kind: CompanyKind, number: UInt64, seed: UInt64) {
    (self.kind, self.number) = (kind, number)
    dice = Fortune(seed: seed &* 1_000_003 &+ number)
    let profile = kind.profile
    for index in 0..<profile.staff {
      var person = Employee(
        account: AccountID(number * 1000 + UInt64(index)),
        office: .network(IPAddress(v4: 0xC612_0000 | UInt32(number) << 8)), &dice)
      // Some come in the course of the year.
      if dice.happens(18, of: 100) { person.from = dice.number(20..<330) }
      person.forwards = dice.happens(profile.forwarding, of: 100) ? dice.number(-200..<300) : nil
      person.partners = (0..<dice.number(1..<5)).map { _ in dice.pick(profile.partners) }
      staff.append(person)
    }
  }

  var tenant: TenantID { TenantID(number) }
  var limitPerDay: Int64 { profile.limitPerDay }

  /// All paid calls that begin on a day, in the order of their beginning; day 0 is a Monday in January.
  mutating func calls(of day: Int) -> [GeneratedCall] {
    happenings(of: day)
    var calls: [GeneratedCall] = []
    for index in staff.indices where staff[index].isThere(day) {
      work(index, day, &calls)
    }
    if dice.happens(2, of: 100) { emergency(day, &calls) }
    return calls.sorted { ($0.start, $0.account) < ($1.start, $1.account) }
  }

  // MARK: - What happens to a company

  private mutating func happenings(of day: Int) {
    if day >= campaign.until, dice.happens(1, of: 45) {
      campaign = (dice.number(140..<320), day + dice.number(3..<15))
    }
    if day >= campaign.until { campaign.percent = 100 }
    if dice.happens(profile.newPartners, of: 3_000) { newPartner(day) }
    for index in staff.indices where staff[index].isThere(day) {
      if dice.happens(1, of: 90) { fallIll(index, day) }
      if kind != .hotel, dice.happens(1, of: 200) {
        staff[index].absentUntil = day + dice.number(5..<22)
      }
      if dice.happens(profile.travelling, of: 3_000) {
        staff[index].travels = Employee.Travel(
          until: day + dice.number(2..<11), shift: dice.number(-7..<8),
          country: dice.happens(80, of: 100)
            ? dice.pick(profile.partners) : dice.pick(CallPrices.far))
      }
      if dice.happens(1, of: 120) { staff[index].overtimeUntil = day + dice.number(2..<9) }
    }
  }

  /// Somebody begins to work with a country that was none of theirs: several calls a day at first.
  private mutating func newPartner(_ day: Int) {
    let list =
      dice.happens(55, of: 100)
      ? CallPrices.near : dice.happens(85, of: 100) ? CallPrices.far : CallPrices.remote
    let project = Employee.Project(
      with: dice.pick(list), until: day + dice.number(5..<60),
      callsPerDay: dice.number(20..<350))
    for _ in 0..<dice.number(1..<3) {
      staff[dice.number(0..<staff.count)].project = project
    }
  }

  private mutating func fallIll(_ index: Int, _ day: Int) {
    staff[index].absentUntil = day + dice.number(2..<16)
    let colleague = dice.number(0..<staff.count)
    staff[colleague].standsInUntil = staff[index].absentUntil
  }

  /// Something breaks at night or on a holiday, and whoever is called telephones for help.
  private mutating func emergency(_ day: Int, _ calls: inout [GeneratedCall]) {
    let index = dice.number(0..<staff.count)
    guard staff[index].isThere(day) else { return }
    var second = day * 86_400 + dice.number(0..<86_400)
    for _ in 0..<dice.number(1..<7) {
      add(index, CallPrices.home, at: second, from: staff[index].home, &calls)
      second += dice.number(60..<1_500)
    }
  }

  // MARK: - What a person does in a day

  private mutating func work(_ index: Int, _ day: Int, _ calls: inout [GeneratedCall]) {
    let person = staff[index]
    let weekday = day % 7
    let isHoliday = profile.keepsHolidays && Holidays.isOne(day)
    var hours = weekday < 5 ? profile.hours : weekday == 5 ? profile.saturday : profile.sunday
    if isHoliday { hours = nil }
    if person.overtimeUntil > day, weekday < 6 { hours = (hours?.lowerBound ?? 10)..<24 }
    // Not everybody is there each day.
    let isIn = hours != nil && !dice.happens(8, of: 100)
    let month = min(day % 365 / 30, 11)
    var percent = profile.season[month] * campaign.percent / 100 * person.pace / 100
    // A company grows by a few percent a year.
    percent += percent * day / 365 * 8 / 100
    if person.standsInUntil > day { percent = percent * 170 / 100 }
    let origin = origin(of: index, day)
    let shift = person.travels.map { $0.until > day ? $0.shift : 0 } ?? 0
    if isIn, let hours {
      for hour in hours {
        // Lunch, and the edges of the day.
        let weight =
          hour == hours.lowerBound || hour == 14 || hour == hours.upperBound - 1 ? 50 : 110
        let expected = profile.callsPerHour * percent / 100 * weight / 100
        for _ in 0..<dice.geometric(hundredths: expected) {
          let second = day * 86_400 + (hour - shift) * 3_600 + dice.number(0..<3_600)
          add(index, destination(of: index, day), at: second, from: origin, &calls)
        }
      }
    } else if dice.happens(3, of: 100) {
      // Works from home on a free day.
      for _ in 0..<dice.number(1..<4) {
        let second = day * 86_400 + dice.number(9 * 3_600..<22 * 3_600)
        add(index, CallPrices.home, at: second, from: person.home, &calls)
      }
    }
    privately(index, day, origin, isIn, &calls)
  }

  /// Projects, calls to anywhere, and forwards of the evening.
  private mutating func privately(
    _ index: Int, _ day: Int, _ origin: PaidCall.Origin, _ isIn: Bool,
    _ calls: inout [GeneratedCall]
  ) {
    let person = staff[index]
    let hours = profile.hours
    if isIn, let project = person.project, project.until > day {
      for _ in 0..<dice.geometric(hundredths: project.callsPerDay) {
        let second = day * 86_400 + dice.number(hours.lowerBound * 3_600..<hours.upperBound * 3_600)
        add(index, project.with, at: second, from: origin, &calls)
      }
    }
    if isIn, dice.happens(profile.curiosity, of: 3_000) {
      let list =
        dice.happens(60, of: 100)
        ? CallPrices.near : dice.happens(70, of: 100) ? CallPrices.far : CallPrices.remote
      let country = dice.pick(list)
      for _ in 0..<dice.number(1..<4) {
        let second = day * 86_400 + dice.number(hours.lowerBound * 3_600..<hours.upperBound * 3_600)
        add(index, country, at: second, from: origin, &calls)
      }
    }
    if let since = person.forwards, day >= since {
      for _ in 0..<dice.geometric(hundredths: 60) {
        let second = day * 86_400 + dice.number(8 * 3_600..<23 * 3_600)
        add(index, CallPrices.home, at: second, from: .forward, &calls)
      }
    }
  }

  private mutating func origin(of index: Int, _ day: Int) -> PaidCall.Origin {
    let person = staff[index]
    if let travels = person.travels, travels.until > day {
      return .network(IPAddress(v4: 0x5000_0000 | UInt32(dice.number(0..<0xFFFF)) << 8))
    }
    if dice.happens(person.homeOffice, of: 100) { return person.home }
    if dice.happens(person.mobile, of: 100) {
      return .network(IPAddress(v4: 0x6400_0000 | UInt32(dice.number(0..<400)) << 8))
    }
    return person.office
  }

  private mutating func destination(of index: Int, _ day: Int) -> PaidCall.Destination {
    let person = staff[index]
    if let travels = person.travels, travels.until > day, dice.happens(20, of: 100) {
      return travels.country
    }
    guard dice.happens(profile.abroad, of: 1_000) else {
      return dice.happens(2, of: 100) ? CallPrices.hotlines : CallPrices.home
    }
    return dice.happens(85, of: 100) ? dice.pick(person.partners) : dice.pick(profile.partners)
  }

  private mutating func add(
    _ index: Int, _ destination: PaidCall.Destination, at second: Int, from origin: PaidCall.Origin,
    _ calls: inout [GeneratedCall]
  ) {
    var start = second
    // Whoever is not there is called again.
    for _ in 0..<4 {
      let isAnswered = !dice.happens(25, of: 100)
      calls.append(
        GeneratedCall(
          account: staff[index].account, start: start, destination: destination, origin: origin,
          seconds: isAnswered ? dice.talk(median: profile.talk) : 0,
          isFree: profile.hasFlatRate && destination == CallPrices.home))
      guard !isAnswered, dice.happens(60, of: 100) else { return }
      start += dice.number(20..<400)
    }
  }
}

/// One call of the generated traffic; seconds since the start of the company's first year.
struct GeneratedCall: Sendable {
  var account: AccountID
  var start: Int
  var destination: PaidCall.Destination
  var origin: PaidCall.Origin
  /// 0: nobody answers.
  var seconds: Int
  var isFree = false
  var isTheft = false

  var pricePerMinute: Int64 { isFree ? 0 : CallPrices.pricePerMinute(destination) }
}

/// Days on which companies are closed, by their number in a year that begins on a Monday.
enum Holidays {
  private static let days: Set<Int> = [
    0, 5, 86, 87, 90, 120, 226, 284, 304, 339, 341, 357, 358, 359, 364,
  ]

  static func isOne(_ day: Int) -> Bool { days.contains(day % 365) }
}
