import ACME
import API
import ConfigurationFiles
import Elements
import Foundation
import Net

// What the doctor says of our certificates, and the server of those that it uses.

extension Doctor {
  /// People have some days to notice; a shorter life is looked at in its last quarter.
  private static let warnsBeforeSeconds: Int64 = 30 * 86_400

  /// Whether each certificate is there, fits its key and holds for a while yet.
  static func certificates(_ settings: TLSSettings) -> [FindingReport] {
    let states = settings.examine()
    return states.flatMap { state in
      if state.name == nil, states.count == 1, isMissing(state) {
        return [
          FindingReport(
            .ok, "certificate",
            "None in \(settings.folder) yet: one of our own is made at the first start.")
        ]
      }
      return [certificate(state, at: Clocks.wall())] + exposedKey(state)
    }
  }

  /// What is to be said of one certificate.
  static func certificate(_ state: CertificateState, at now: WallTime) -> FindingReport {
    let subject = state.name.map { "certificate \($0)" } ?? "certificate"
    if let complaint = state.complaint {
      return FindingReport(
        .problem, subject, "\(complaint)",
        wayOut: state.name == nil
          ? "A running server keeps what it has; without a whole pair none starts."
          : "A running server keeps what it has; where it has none, those names get the standard one."
      )
    }
    let path = state.certificatePath
    guard let end = state.end else {
      return FindingReport(.problem, subject, "\(path) says no end.")
    }
    let seconds = end.unixSeconds - now.unixSeconds
    let days = seconds / 86_400
    let life = end.unixSeconds - (state.start ?? end).unixSeconds
    guard seconds >= min(warnsBeforeSeconds, life / 4) else {
      let when = seconds < 0 ? "ended \(-days) days ago" : "ends in \(days) days"
      return FindingReport(
        seconds < 0 ? .problem : .warning, subject, "\(path) \(when).",
        wayOut: state.name == nil
          ? "Put a new one there with its key, or remove both files and start again for one of our own."
          : "Put a new one there with its key; a running server takes it within seconds.")
    }
    return FindingReport(.ok, subject, "\(path) holds for \(days) more days.")
  }

  /// Whether the authority gives what is wanted of it.
  static func issued(_ configuration: Configuration) -> [FindingReport] {
    do throws(ConfigurationError) {
      guard let authority = try configuration.acme.settings() else { return [] }
      return authority.names.map { name in
        let issued = IssuedCertificate(name, in: configuration.tls)
        let subject = "certificate for \(name)"
        let plan = issued.note(for: authority.directory).plan
        let life = issued.life(at: authority.directory)
        let next = plan.next(life: life).map { " The next attempt is at \($0.iso8601)." } ?? ""
        if let complaint = plan.complaint {
          return FindingReport(
            life == nil ? .problem : .warning, subject,
            "The last \(plan.failures) attempts to get one failed: \(complaint).\(next)",
            wayOut:
              "Mend that; a restart does not hurry, removing \(issued.folder)/renewal.json does.")
        }
        return life == nil
          ? FindingReport(
            .warning, subject, "None from \(authority.directory) yet.",
            wayOut: "The running server gets it within a minute.")
          : FindingReport(.ok, subject, "From \(authority.directory).\(next)")
      }
    } catch {
      return [FindingReport(.problem, error.field, error.problem + ".", wayOut: error.wayOut)]
    }
  }

  private static func isMissing(_ state: CertificateState) -> Bool {
    ![state.certificatePath, state.keyPath].contains {
      FileManager.default.fileExists(atPath: $0)
    }
  }

  private static func exposedKey(_ state: CertificateState) -> [FindingReport] {
    guard state.complaint == nil, !FileRights.isOwnersAlone(state.keyPath) else { return [] }
    return [
      FindingReport(
        .warning, "key", "\(state.keyPath) can be read by other users of this machine.",
        wayOut: "chmod 600 \(state.keyPath)")
    ]
  }
}
