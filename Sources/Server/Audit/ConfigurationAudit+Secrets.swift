import ConfigurationFiles
import Directory
import Elements

// Secrets that are kept as they are: those for carriers, and those of webhooks.

extension ConfigurationAudit {
  private static let shortestKey = 16
  /// Fewer fall to counting, and fewer different ones to nobody's patience.
  private static let (shortestOfDigits, fewestCharacters) = (16, 4)

  func secrets() -> [AuditFinding] {
    let trunks = document.trunks.flatMap { trunk in
      [trunk.registration?.credentials, trunk.credentials].compactMap(\.self)
        .compactMap { credentials in
          weakness(
            of: credentials.password, PasswordRule.shortest, [credentials.username, trunk.name]
          ).map { weakness in
            AuditFinding(
              .trunkPassword, at: .trunk(trunk.name),
              "The password of trunk \(trunk.name) for \(credentials.username) \(weakness).")
          }
        }
    }
    let tenants = document.tenants.flatMap { tenant in
      webhooks(tenant.notices, at: .tenant(tenant.name), [tenant.name, tenant.domain])
    }
    return trunks + tenants + webhooks(document.platform.notices, at: .platform, []) + mail()
  }

  private func mail() -> [AuditFinding] {
    guard let mail = document.mail, let password = mail.password else { return [] }
    let names = [mail.username].compactMap(\.self).flatMap {
      [$0] + $0.split(separator: "@").map(String.init)
    }
    return weakness(of: password, PasswordRule.shortest, names).map { weakness in
      [AuditFinding(.mailPassword, at: .platform, "The password for the mail server \(weakness).")]
    } ?? []
  }

  private func webhooks(
    _ notices: NoticeEntry, at place: AuditFinding.Place, _ names: [String]
  ) -> [AuditFinding] {
    notices.webhooks.compactMap { webhook in
      weakness(of: webhook.secret, Self.shortestKey, names).map { weakness in
        AuditFinding(.webhookSecret, at: place, "The secret of \(webhook.url) \(weakness).")
      }
    }
  }

  private func weakness(of secret: SecretText, _ shortest: Int, _ names: [String]) -> String? {
    let text = String(decoding: secret.value.exposed, as: UTF8.self)
    guard text.count >= shortest else {
      return "has fewer than \(shortest) characters"
    }
    if text.allSatisfy(\.isNumber), text.count < Self.shortestOfDigits { return "is digits only" }
    if Set(text).count < Self.fewestCharacters { return "repeats a few characters" }
    return PasswordRule.weakness(of: text, names).map { "is \($0)" }
  }
}
