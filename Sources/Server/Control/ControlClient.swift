package import API
import Foundation
import Glibc

/// Asks the running server through its control socket, one request for one reply.
package struct ControlClient: Sendable {
  private let path: String

  /// - Parameter dataFolder: The folder of the server's data; the socket is `control.sock` in it.
  package init(dataFolder: String) {
    path = dataFolder + "/control.sock"
  }

  /// Why the server could not be asked.
  package enum Failure: Error, CustomStringConvertible {
    case notRunning(path: String)
    case notAllowed(path: String)
    case pathTooLong(path: String)
    case broken(String)

    package var description: String {
      switch self {
      case .notRunning(let path):
        """
        No server answers at \(path). Start it with `martinet serve --data DIR`, or name the right \
        folder with --data.
        """
      case .notAllowed(let path):
        """
        This user may not ask the server at \(path). Run the command as root or as the user the server runs as.
        """
      case .pathTooLong(let path):
        "The path \(path) is longer than a socket's may be (107 bytes). Use a shorter --data folder."
      case .broken(let reason):
        "The server's answer could not be read: \(reason). Compare `martinet --version` on both sides."
      }
    }
  }

  /// Whether a server listens on this folder.
  package var isServerRunning: Bool {
    guard let socket = try? connect() else { return false }
    close(socket)
    return true
  }

  /// Sends the request and waits for the reply, at most a minute.
  package func ask(_ request: ControlRequest) throws -> ControlReply {
    let socket = try connect()
    defer { close(socket) }
    var timeout = timeval(tv_sec: 60, tv_usec: 0)
    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    try send(try JSONEncoder().encode(request) + [UInt8(ascii: "\n")], over: socket)
    let answer = try readToEnd(of: socket)
    guard !answer.isEmpty else { throw Failure.broken("it closed the connection without one") }
    return try JSONDecoder().decode(ControlReply.self, from: answer)
  }

  private func connect() throws(Failure) -> Int32 {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
      throw .pathTooLong(path: path)
    }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    let connected = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard connected == 0 else {
      let code = errno
      close(descriptor)
      throw code == EACCES ? .notAllowed(path: path) : .notRunning(path: path)
    }
    return descriptor
  }

  private func send(_ data: Data, over socket: Int32) throws(Failure) {
    var rest = Array(data)[...]
    while !rest.isEmpty {
      let sent = rest.withUnsafeBytes {
        Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      guard sent > 0 else { throw .broken(String(cString: strerror(errno))) }
      rest = rest.dropFirst(sent)
    }
  }

  private func readToEnd(of socket: Int32) throws(Failure) -> Data {
    var answer = Data()
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = buffer.withUnsafeMutableBytes { recv(socket, $0.baseAddress, $0.count, 0) }
      guard count >= 0 else { throw .broken(String(cString: strerror(errno))) }
      guard count > 0 else { return answer }
      answer.append(contentsOf: buffer[..<count])
    }
  }
}
