// The protocol of BuildKit, for both sides: messages, gRPC on any stream, folders. It knows no engine and no store.
export { BytesPipe } from './bytes-pipe.ts';
export { clientOn, serverOn } from './http2.ts';
export { GrpcClient, type OpenCall } from './grpc/client.ts';
export { type Call, GrpcServer, type Implementation } from './grpc/server.ts';
export { Code, type Detail, GrpcError } from './grpc/status.ts';
export { type Metadata, valuesOf } from './grpc/metadata.ts';
export { type PacketPipe, receiveTar } from './files/receive.ts';
export { sendFolder, sendTarFile } from './files/send.ts';
export { statOf } from './files/stat.ts';
export { Auth } from './gen/auth_pb.ts';
export {
  type BuildHistoryRequest,
  BuildHistoryEventType,
  Control,
  type PruneRequest,
  type SolveRequest,
  type StatusResponse,
  StatusResponseSchema,
} from './gen/control_pb.ts';
export { FileSend, FileSync } from './gen/filesync_pb.ts';
export { Health } from './gen/health_pb.ts';
export { LLBBridge, type ReturnRequest } from './gen/gateway_pb.ts';
export { type Definition, DefinitionSchema, OpSchema, type Platform } from './gen/ops_pb.ts';
export { Secrets } from './gen/secrets_pb.ts';
export { SSH } from './gen/ssh_pb.ts';
export { Upload } from './gen/upload_pb.ts';
export { PacketSchema } from './gen/wire_pb.ts';
export type { Llb } from './llb/definition.ts';
export { definitionOf } from './llb/encode.ts';
export { foldersOf, graphOf, type LlbFolder } from './llb/graph.ts';
