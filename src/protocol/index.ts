// The protocol of BuildKit, for both sides: messages, gRPC on any stream, folders. It knows no engine and no store.
export { BytesPipe } from './bytes-pipe.ts';
export { clientOn, serverOn } from './http2.ts';
export { GrpcClient, type OpenCall } from './grpc/client.ts';
export { type Call, GrpcServer, type Implementation } from './grpc/server.ts';
export { Code, type Detail, GrpcError } from './grpc/status.ts';
export { type Metadata, valuesOf } from './grpc/metadata.ts';
export { type PacketPipe, receiveTar } from './files/receive.ts';
export { sendTarFile } from './files/send.ts';
export { Auth } from './gen/auth_pb.ts';
export { Control, type SolveRequest } from './gen/control_pb.ts';
export { FileSend, FileSync } from './gen/filesync_pb.ts';
export { LLBBridge } from './gen/gateway_pb.ts';
export { Secrets } from './gen/secrets_pb.ts';
export { SSH } from './gen/ssh_pb.ts';
export { Upload } from './gen/upload_pb.ts';
export { PacketSchema } from './gen/wire_pb.ts';
