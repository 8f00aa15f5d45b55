import Elements
import Guard

// How a departure is told: what is unusual, and beside it what is usual.

extension Departure {
  /// "3 such calls since Sunday 03:00, to a country … ; usually up to 2 paid calls an hour …".
  func words(currency: Currency, zone: TimeZoneRules) -> String {
    func money(_ micros: Int64) -> String {
      Money(micros: micros / 10_000 * 10_000, currency).description
    }
    let now = zone.civil(at: at)
    let hour = "on \(now.dayName) at \(now.hour.twoDigits)"
    let unusual: String
    switch kind {
    case .oddCalls:
      let first = zone.civil(at: since)
      let begin = "\(first.dayName) \(first.hour.twoDigits):\(first.minute.twoDigits)"
      unusual =
        "\(calls) calls since \(begin), the last one \(oddity.words.joined(separator: ", ")); "
        + "by how odd they are they count \(money(counted)), of \(money(tolerated))"
    case .spend:
      unusual = "\(money(counted)) within a day, and \(money(tolerated)) is the most to expect"
    }
    let hours = usual.hourWeight == 0 ? ", never \(hour)" : ""
    return
      "\(unusual); usual are up to \(usual.callsPerHour) paid calls an hour and "
      + "\(money(usual.spentPerDay)) a day, to \(usual.destinations) "
      + (usual.destinations == 1 ? "destination" : "destinations") + hours
  }
}

extension CivilTime {
  fileprivate var dayName: String {
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"][weekday]
  }
}

extension Int {
  fileprivate var twoDigits: String { self < 10 ? "0\(self)" : "\(self)" }
}
