import Elements
import Guard

/// Somebody with a telephone, and what is going on with them.
struct Employee: Sendable {
  let account: AccountID
  let office: PaidCall.Origin
  let home: PaidCall.Origin
  /// Percent of what is usual in their company.
  let pace: Int
  /// Of a hundred days so many at home, and so many calls from a mobile network.
  let homeOffice: Int
  let mobile: Int
  var partners: [PaidCall.Destination] = []
  /// The first day, and the first day on which calls of theirs are forwarded to their mobile phone.
  var from = 0
  var forwards: Int?
  var absentUntil = 0
  var standsInUntil = 0
  var overtimeUntil = 0
  var travels: Travel?
  var project: Project?

  struct Travel: Sendable {
    let until: Int
    /// Hours by which their day is another one.
    let shift: Int
    let country: PaidCall.Destination
  }

  struct Project: Sendable {
    let with: PaidCall.Destination
    let until: Int
    /// In hundredths.
    let callsPerDay: Int
  }

  init(account: AccountID, office: PaidCall.Origin, _ dice: inout Fortune) {
    (self.account, self.office) = (account, office)
    home = .network(IPAddress(v4: 0x5A00_0000 | UInt32(dice.number(0..<0xFFFF)) << 8))
    pace = dice.number(20..<110) + dice.number(0..<90)
    homeOffice = dice.happens(40, of: 100) ? dice.number(5..<50) : 0
    mobile = dice.happens(30, of: 100) ? dice.number(2..<25) : 0
  }

  func isThere(_ day: Int) -> Bool { day >= from && day >= absentUntil }
}
