import Elements
import Foundation
import Glibc
import NIOSSL

/// A certificate of ours with its chain and key, as the files of one folder have them.
struct ServerCertificate: Sendable {
  static let certificateFile = "certificate.pem"
  static let keyFile = "key.pem"

  private let path: String
  let chain: [NIOSSLCertificateSource]
  let key: NIOSSLPrivateKeySource
  /// Whom it serves, in lower case; "*." in front stands for one label.
  let names: [String]
  let start: WallTime
  let end: WallTime

  /// Reads both files and tries them together.
  init(folder: String) throws(NetError) {
    let path = folder + "/" + Self.certificateFile
    self.path = path
    let keyPath = folder + "/" + Self.keyFile
    switch (access(path, F_OK) == 0, access(keyPath, F_OK) == 0) {
    case (false, true): throw .halfPair(missing: path, present: keyPath)
    case (true, false): throw .halfPair(missing: keyPath, present: path)
    case (true, true), (false, false): break
    }
    try Self.checkAccess(path)
    try Self.checkAccess(keyPath)
    let chain: [NIOSSLCertificate]
    do {
      chain = try NIOSSLCertificate.fromPEMFile(path)
    } catch {
      throw .certificate(
        path: path, reason: "no certificate can be read (\(error))",
        wayOut: "Put the certificate there in PEM, and behind it those of its authority")
    }
    guard let first = chain.first, let der = try? first.toDERBytes() else {
      throw .certificate(
        path: path, reason: "there is no certificate in it",
        wayOut: "Put the certificate there in PEM, and behind it those of its authority")
    }
    do {
      key = .privateKey(try NIOSSLPrivateKey(file: keyPath, format: .pem))
    } catch {
      throw .certificate(
        path: keyPath, reason: "no private key can be read (\(error))",
        wayOut: "Put the key of \(path) there in PEM, without a passphrase")
    }
    self.chain = chain.map { .certificate($0) }
    names = CertificateNames(of: der).served
    start = WallTime(unixSeconds: Int64(first.notValidBefore))
    end = WallTime(unixSeconds: Int64(first.notValidAfter))
    do {
      _ = try NIOSSLContext(
        configuration: .makeServerConfiguration(certificateChain: self.chain, privateKey: key))
    } catch {
      throw .certificate(
        path: keyPath, reason: "it is not the key of \(path) (\(error))",
        wayOut: "Put the key there that the certificate was made for")
    }
  }

  /// Refuses one that nobody takes now, where the one in force is still taken.
  ///
  /// At the start any is better than none, and whoever looks at a server is told what is wrong with it.
  func check(replacing current: ServerCertificate, at now: WallTime) throws(NetError) {
    guard current.holds(at: now), !holds(at: now) else { return }
    func text(_ time: WallTime) -> String {
      Date(timeIntervalSince1970: TimeInterval(time.unixSeconds)).ISO8601Format()
    }
    throw .certificate(
      path: path,
      reason: end < now ? "it ended at \(text(end))" : "it does not hold before \(text(start))",
      wayOut: "Put one there that holds now")
  }

  /// Whether it is for a name in lower case, by a wildcard too.
  func serves(_ name: String) -> Bool {
    names.contains(name)
      || name.firstIndex(of: ".").map { names.contains("*" + name[$0...]) } ?? false
  }

  func holds(at now: WallTime) -> Bool { start <= now && now <= end }

  /// The first time after `now` at which it is another thing whether it holds; nil: it has ended.
  func turn(after now: WallTime) -> WallTime? {
    [start, end + .milliseconds(1)].first { $0 > now }
  }

  private static func checkAccess(_ path: String) throws(NetError) {
    guard access(path, R_OK) != 0 else { return }
    let reason = errno
    throw .certificate(
      path: path, reason: "it cannot be read: \(String(cString: strerror(reason)))",
      wayOut: reason == ENOENT
        ? "Put a PEM file there" : "Give it to the user that the server runs as (chown)")
  }
}
