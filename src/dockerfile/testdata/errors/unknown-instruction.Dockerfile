FROM busybox
RUM echo x
