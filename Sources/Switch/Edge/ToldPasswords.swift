import Directory
import Elements

/// From which networks the right password of each phone came today where it may not be used.
///
/// Of one day, and of some networks for each phone: who has a password cannot fill the memory, nor the mailbox.
struct ToldPasswords: Sendable {
  private static let networksADay = 4
  private var day: Int64 = 0
  private var networks: [DeviceID: [IPAddress]] = [:]

  /// Notes it; false if it was noted on that day, or enough others were.
  mutating func insert(_ device: DeviceID, _ network: IPAddress, on day: Int64) -> Bool {
    if day != self.day { (self.day, networks) = (day, [:]) }
    let known = networks[device] ?? []
    guard known.count < Self.networksADay, !known.contains(network) else { return false }
    networks[device] = known + [network]
    return true
  }
}
