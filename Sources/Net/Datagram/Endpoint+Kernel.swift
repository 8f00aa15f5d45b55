import CLinuxSockets
import Elements

extension Endpoint {
  /// As the kernel's side of this target writes it.
  var kernel: cls_endpoint {
    cls_endpoint(high: address.high, low: address.low, port: port)
  }

  init(_ kernel: cls_endpoint) {
    self.init(IPAddress(high: kernel.high, low: kernel.low), kernel.port)
  }
}

extension cls_endpoint {
  /// No address: the kernel chooses.
  static var none: cls_endpoint { cls_endpoint(high: 0, low: 0, port: 0) }
}
