/// What a usual minute costs: learned from the calls of a day when it is over, and by a part.
struct UsualPrice: Hashable, Sendable {
  /// Sixteenths of micro-units: what the days before have taught; 0: nothing yet.
  private(set) var usual: Int64 = 0
  /// The same with the calls of the day that is not over.
  private(set) var today: Int64 = 0

  init() {}

  init(usual: Int64, today: Int64) {
    (self.usual, self.today) = (usual.clamped, today.clamped)
  }

  /// Micro-units a minute.
  var micros: Int64 { usual / 16 }

  /// A minute of a call that is usual, in micro-units.
  mutating func see(_ minute: Int64) {
    let minute = minute.clamped * 16
    today = today == 0 ? minute : today + (minute - today) / 64
    if usual == 0 { usual = today }
  }

  /// A day is over.
  mutating func close() {
    usual = min(today, usual + usual / 4)
    today = usual
  }
}
