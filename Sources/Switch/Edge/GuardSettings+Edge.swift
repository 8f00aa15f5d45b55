import Directory
import Elements
import Guard

extension GuardSettings {
  /// With what the operator says in the place of what is usual; what he leaves out is as it was.
  func with(_ entry: EdgeEntry?) -> GuardSettings {
    guard let entry else { return self }
    var settings = self
    if let count = entry.wrongUsers { settings.wrongUsers = count }
    if let count = entry.wrongPasswords { settings.wrongPasswords = count }
    if let count = entry.probes { settings.probes = count }
    if let times = entry.banSeconds, !times.isEmpty {
      settings.ladder = times.map { .seconds($0) }
    }
    if let rate = entry.strangersPerSecond {
      settings.everybody = Rate(perSecond: rate, burst: 2 * rate)
    }
    if let rate = entry.callsPerSecond {
      settings.callsOfAccount = Rate(perSecond: rate, burst: 10 * rate)
    }
    if let hours = entry.knownHours { settings.friendship = .seconds(3_600 * hours) }
    return settings
  }
}
