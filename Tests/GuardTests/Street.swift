import Elements
import Guard

/// A clock and an admission, with short words for what happens in front of it.
///
/// A class, so that its words may stand in expectations.
final class Street {
  var admission: Admission
  var now = Now(
    instant: .start + .seconds(1), wall: WallTime(unixMilliseconds: 1_795_000_000_000))

  init(_ settings: GuardSettings = GuardSettings()) {
    admission = Admission(settings)
  }

  func wait(_ duration: Duration) { now = now + duration }

  func admit(_ source: Source) -> Admission.Verdict { admission.admit(source, at: now) }

  /// How many of so many messages pass at this moment.
  func passing(_ count: Int, from source: Source) -> Int {
    (0..<count).count { _ in admission.admit(source, at: now) == .pass }
  }

  /// A guess for a user that is there, by somebody who can read what we send him.
  @discardableResult
  func guess(_ number: UInt64, of user: UserKey, from source: Source) -> [GuardNotice] {
    admission.note(
      .wrongCredentials(user, response: number), from: source, isProven: true, at: now)
  }

  @discardableResult
  func note(
    _ offence: Offence, from source: Source, isProven: Bool = true
  ) -> [GuardNotice] {
    admission.note(offence, from: source, isProven: isProven, at: now)
  }

  @discardableResult
  func welcome(
    _ user: UserKey, of tenant: TenantID = TenantID(1), from source: Source
  ) -> [GuardChange] {
    admission.welcome(user, of: tenant, from: source, at: now)
  }

  func looksAt(_ user: UserKey, from source: Source) -> Bool {
    admission.look(at: user, from: source, at: now) == .compares
  }

  func mayCall(_ account: AccountID) -> Bool { admission.mayCall(account, at: now.instant) }

  /// Whoever tries users that are not there until he is banned.
  func ban(_ source: Source) {
    for user in 0..<UInt64(admission.settings.wrongUsers) {
      guess(0, of: UserKey(1_000_000 + user), from: source)
    }
  }
}

extension Source {
  /// "203.0.113.7:5060", by UDP unless said otherwise; a connection has the number of its port.
  init(_ text: String, isStream: Bool = false) {
    let remote = Endpoint(text) ?? Endpoint(.v4Loopback, 1)
    self.init(remote, connection: isStream ? FlowID(UInt64(remote.port)) : nil)
  }
}

extension [GuardNotice] {
  /// What was banned.
  var banned: [BanSubject] {
    compactMap { if case .changed(.put(let ban)) = $0 { ban.subject } else { nil } }
  }
}
