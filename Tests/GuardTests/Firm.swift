import Elements

@testable import Guard

/// A company of four that calls at home, and a colleague abroad, from nine to five; two months of it.
struct Firm {
  static let home = PaidCall.Destination(country: 1)
  static let partner = PaidCall.Destination(country: 2)
  static let far = PaidCall.Destination(country: 3)
  static let office = PaidCall.Origin.network(IPAddress(v4: 0xC633_6400))
  static let elsewhere = PaidCall.Origin.network(IPAddress(v4: 0xCB00_7100))
  static let tenant = TenantID(1)
  static let limit: Int64 = 10_000_000
  static let anna = AccountID(10)
  /// A Monday.
  static let start: Int64 = 1_767_571_200

  var book = HabitBook()
  private(set) var changes: [HabitChange] = []
  private let homePrice: Int64

  init(days: Int = 60, homePrice: Int64 = 25_000) {
    self.homePrice = homePrice
    work(0..<days)
  }

  /// What it does on working days.
  mutating func work(_ days: Range<Int>) {
    for day in days where day % 7 < 5 {
      for hour in 9..<17 {
        for account in 10..<14 as Range<UInt64> {
          call(
            Self.home, on: day, at: hour, minute: Int(account), by: AccountID(account),
            price: homePrice, talk: 120)
          if hour == 11, account == 10 {
            call(Self.partner, on: day, at: 11, minute: 40, price: 60_000, talk: 300)
          }
        }
      }
    }
  }

  static func time(_ day: Int, _ hour: Int, _ minute: Int = 0) -> WallTime {
    WallTime(unixSeconds: start + Int64(day * 86_400 + hour * 3_600 + minute * 60))
  }

  static func paid(
    _ destination: PaidCall.Destination, on day: Int, at hour: Int, minute: Int = 0,
    by account: AccountID = anna, from origin: PaidCall.Origin = office, price: Int64
  ) -> PaidCall {
    PaidCall(
      account: account, tenant: tenant, at: time(day, hour, minute), zoneOffset: 0,
      destination: destination, origin: origin, pricePerMinute: price,
      worth: 2 * price)
  }

  /// Judges a call and, where it may be, makes it.
  @discardableResult
  mutating func call(
    _ destination: PaidCall.Destination, on day: Int, at hour: Int, minute: Int = 0,
    by account: AccountID = anna, from origin: PaidCall.Origin = office, price: Int64,
    talk: Int64
  ) -> HabitBook.Judgement {
    let call = Self.paid(
      destination, on: day, at: hour, minute: minute, by: account, from: origin, price: price)
    let judgement = book.judge(call, limitPerDay: Self.limit)
    guard judgement.departure == nil else { return judgement }
    take(.called(call, judgement.oddity))
    take(
      .paid(
        account, Self.tenant, judgement.oddity, difference: price * talk / 60 - call.worth,
        at: call.at + .seconds(talk)))
    return judgement
  }

  mutating func take(_ change: HabitChange) {
    changes.append(change)
    book.take(change)
  }

  /// Calls of four minutes, one after another, until one is refused.
  mutating func callsThrough(
    _ destination: PaidCall.Destination, on day: Int, at hour: Int,
    by account: AccountID = anna, from origin: PaidCall.Origin = office, price: Int64,
    most: Int = 60
  ) -> (calls: Int, departure: Departure?) {
    for count in 0..<most {
      let judgement = call(
        destination, on: day, at: hour + count / 12, minute: count % 12 * 5, by: account,
        from: origin, price: price, talk: 240)
      if let departure = judgement.departure { return (count, departure) }
    }
    return (most, nil)
  }
}
