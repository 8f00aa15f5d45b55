package import API
import Directory
import Elements
import Net
import Store
import Switch

extension Administration {
  /// What is weak in the configuration, and who a stranger may ask for; takes as long as ``PasswordAudit/longest``.
  package func weaknesses(
    words: [String], listeners: [String], http: String
  ) throws -> AuditedStoreReport {
    let (directory, now) = (rulebook().directory, Clocks.wall())
    var until: [ExtensionID: WallTime] = [:]
    for tenant in directory.tenants {
      let scope = TenantScope(tenant.id, as: .operator, in: database)
      until.merge(try scope.registeredUntil()) { max($0, $1) }
    }
    let configured = ConfigurationAudit(
      document(), directory, registeredUntil: until, at: now
    ).findings()
    let end = ContinuousClock.now + PasswordAudit.longest
    let passwords = PasswordAudit(directory, words: words, at: now).run {
      ContinuousClock.now >= end
    }
    return AuditedStoreReport(
      findings: (passwords.findings + configured).map(\.report), passwords: passwords.report,
      listeners: listeners, http: http, target: AuditTargetReport(directory))
  }
}

extension AuditTargetReport {
  /// The first phone of the first tenant, and a user name as long that nobody has.
  init(_ directory: DirectorySnapshot) {
    let device = directory.devices.first { Self.absent(beside: $0, in: directory) != nil }
    self.init(
      domain: device.flatMap { directory.tenant($0.tenant)?.domain },
      user: device.map { String(decoding: $0.username, as: UTF8.self) },
      absentUser: device.flatMap { Self.absent(beside: $0, in: directory) },
      domains: directory.tenants.map(\.domain))
  }

  private static func absent(beside device: Device, in directory: DirectorySnapshot) -> String? {
    guard let tenant = directory.tenant(device.tenant) else { return nil }
    let length = device.username.count
    for letter in "0987654321zyxwv".utf8 {
      let name = [UInt8](repeating: letter, count: length)
      if directory.device(of: tenant, named: name.span) == nil {
        return String(decoding: name, as: UTF8.self)
      }
    }
    return nil
  }
}
