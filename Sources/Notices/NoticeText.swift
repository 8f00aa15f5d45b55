import Elements
import Foundation
import Store

/// An alert in words: what both the mail and the webhook say.
struct NoticeText: Hashable, Sendable {
  /// One line.
  let subject: String
  /// Lines of at most some 100 characters, separated by "\n".
  let body: String

  /// - Parameters:
  ///   - alert: What happened.
  ///   - audience: Name of the tenant, or of the platform.
  ///   - words: The language.
  init(_ alert: Alert, audience: String, in words: NoticeWords = .english) {
    let facts = alert.facts.map { (name: $0.name, value: NoticeText.inert($0.value)) }
    func fact(_ name: String) -> String? { facts.first { $0.name == name }?.value }

    let audience = NoticeText.inert(audience)
    let place = fact("subject") ?? fact("trunk").map { "\(audience) \($0)" } ?? audience
    subject = "[\(words.severity(alert.severity))] \(words.title(alert.kind)): \(place)"

    let width = max(words.when.count, facts.map { words.label($0.name).count }.max() ?? 0)
    var lines = [words.opening(alert.kind), ""]
    lines += [NoticeText.row(words.when, NoticeText.moment(alert.at), width)]
    for fact in facts { lines.append(NoticeText.row(words.label(fact.name), fact.value, width)) }
    let command =
      alert.tenant == nil
      ? NoticeText.unblockCommand(trunk: fact("trunk"), subject: place)
      : NoticeText.unblockCommand(tenant: audience, subject: place)
    let advice = words.advice(alert.kind, command: command ?? NoticeText.showLimits)
    if !advice.isEmpty { lines += [""] + advice }
    lines += ["", words.closing(key: NoticeText.inert(alert.key))]
    body = lines.joined(separator: "\n")
  }

  private static func row(_ label: String, _ value: String, _ width: Int) -> String {
    "  \(label):\(String(repeating: " ", count: max(0, width - label.count) + 1))\(value)"
  }

  private static let showLimits = "martinet limits show"
  private static let unblock = "martinet limits unblock"

  /// What lets the subject's paid calls out again: "office" or "office 101"; nil for any other subject.
  private static func unblockCommand(tenant: String, subject: String) -> String? {
    guard subject == tenant || subject.hasPrefix(tenant + " ") else { return nil }
    let number = subject.dropFirst(tenant.count + 1)
    let unblock = "\(NoticeText.unblock) --tenant \(NoticeText.quoted(tenant))"
    return number.isEmpty
      ? unblock : "\(unblock) --extension \(NoticeText.quoted(String(number)))"
  }

  /// What lets paid calls through a trunk, or those of all tenants, out again; nil for any other subject.
  private static func unblockCommand(trunk: String?, subject: String) -> String? {
    if let trunk { return "\(unblock) --trunk \(quoted(trunk))" }
    return subject == "the platform" ? "\(unblock) --platform" : nil
  }

  /// Quoted for a shell, so that a name cannot become a second command.
  private static func quoted(_ word: String) -> String {
    let isPlain = word.utf8.allSatisfy {
      (48...57).contains($0) || (97...122).contains($0 | 0x20) || "-._+".utf8.contains($0)
    }
    return isPlain ? word : "'\(word.replacingOccurrences(of: "'", with: "'\\''"))'"
  }

  /// "2026-11-22 00:41:07 UTC".
  static func moment(_ time: WallTime) -> String {
    let civil = CivilTime(secondsSinceEpoch: time.unixSeconds)
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return "\(civil.year)-\(two(civil.month))-\(two(civil.day)) "
      + "\(two(civil.hour)):\(two(civil.minute)):\(two(civil.second)) UTC"
  }

  /// What a peer may have chosen, made harmless: one line, no control characters, bounded.
  static func inert(_ text: String) -> String {
    let scalars = text.unicodeScalars
    let shown = String(scalars.prefix(300)).inert
    return scalars.count > 300 ? shown + "…" : shown
  }
}
